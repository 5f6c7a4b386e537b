// Where a viewer joins a seekable live stream: at the time of a link, else live. A viewer who was behind live last time can
// continue there.

import { t } from "../i18n.js";
import { announcePosition, requestedTime } from "../start-time.js";
import { forgetPosition, loadPositions, storePosition } from "../watch-positions.js";
import { showNote } from "./position-note.js";

const STORE_INTERVAL = 5000;
// A shorter delay is not worth an offer.
const MIN_BEHIND_SECONDS = 60;

export function joinAtPosition(player, signal) {
  const { stage, video, supervisor, controls: { seekBar } } = player;
  const key = `room:${stage.dataset.room}`;
  const isReachable = (position) => seekBar.isSeekable && position >= seekBar.start - 1 && position <= seekBar.end + 1;
  announcePosition(stage, () => {
    if (!seekBar.isSeekable || !supervisor.engine?.isBehind()) return null;
    const date = seekBar.dateOf(video.currentTime);
    return { value: date.toISOString().replace(/\.\d+/, ""), label: seekBar.exactClock.format(date) };
  });
  seekBar.update(supervisor);
  const requested = requestedTime();
  const stored = loadPositions().get(key);
  if (requested !== null && isReachable(seekBar.positionOf(requested))) player.seek(seekBar.positionOf(requested));
  else if (requested !== null) showNote(stage, t("The start of this link is no longer available. You see the live stream."));
  else if (stored) {
    const position = seekBar.positionOf(1000 * stored.seconds);
    if (!isReachable(position) || seekBar.end - position < MIN_BEHIND_SECONDS) forgetPosition(key);
    else showNote(stage, "", { [t("Continue at {time}", { time: seekBar.exactClock.format(seekBar.dateOf(position)) })]: () => player.seek(position) });
  }
  const timer = setInterval(() => {
    if (!seekBar.isSeekable || video.paused || document.hidden) return;
    const isBehind = seekBar.end - video.currentTime >= MIN_BEHIND_SECONDS;
    if (isBehind) storePosition(key, { part: 0, seconds: seekBar.dateOf(video.currentTime) / 1000, isDone: false });
  }, STORE_INTERVAL);
  signal.addEventListener("abort", () => clearInterval(timer));
}
