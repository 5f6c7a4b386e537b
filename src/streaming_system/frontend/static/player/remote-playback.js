// Playback on another device (Chromecast, AirPlay), where the browser offers it for the stream.

import { t } from "../i18n.js";
import { iconButton } from "./dom.js";

export function addRemotePlayback({ video, controls }, signal) {
  const { remote } = video;
  if (!remote) return;
  const button = iconButton(t("Play on another device"), "screen", () => remote.prompt().catch(() => {}));
  button.hidden = true;
  controls.pictureButton.before(button);
  const update = () => button.setAttribute("aria-pressed", String(remote.state === "connected"));
  for (const name of ["connecting", "connect", "disconnect"]) remote.addEventListener(name, update, { signal });
  // Browsers that cannot watch for devices reject.
  remote.watchAvailability((isAvailable) => { button.hidden = !isAvailable; }).catch(() => {});
  signal.addEventListener("abort", () => remote.cancelWatchAvailability().catch(() => {}));
}
