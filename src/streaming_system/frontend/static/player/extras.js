// What a player gets once its stream plays, so that none of it delays the first frame.

import { joinAtPosition } from "./live-position.js";
import { showOnLockScreen } from "./media-session.js";
import { startLiveCaptions } from "./live-captions.js";
import { addRemotePlayback } from "./remote-playback.js";
import { shareSound } from "./sound-sharing.js";
import { keepScreenOn } from "./wake-lock.js";

export function startExtras(player, signal) {
  if (!player.supervisor.isRecorded) joinAtPosition(player, signal);
  for (const start of [startLiveCaptions, showOnLockScreen, addRemotePlayback, shareSound, keepScreenOn]) start(player, signal);
}
