// The player of a talk's recording: that of a room, without all that is live.

import { t } from "../i18n.js";
import { Controls } from "./controls.js";
import { RecordedPlayback } from "./recorded-playback.js";
import { RoomPlayer } from "./room-player.js";

class RecordedControls extends Controls {
  update() {
    super.update();
    if (this.player.supervisor.state !== "failed") return;
    this.status.message.textContent = t("The recording cannot be played at the moment.");
    this.status.playButton.hidden = this.status.element.hidden = false;
  }

  updatePosition({ engine }) {
    const [start, end] = this.player.supervisor.bounds();
    this.liveButton.hidden = true;
    this.position.hidden = !engine || !Number.isFinite(end);
    if (this.position.hidden) return;
    Object.assign(this.position, { min: Math.floor(start), max: Math.ceil(end), value: this.video.currentTime });
    const minutes = Math.max(0, Math.floor((this.video.currentTime - start) / 60));
    this.position.setAttribute("aria-valuetext", t("{minutes} min", { minutes }));
  }

  updateLatency() {
    this.latency.hidden = true;
  }
}

export class RecordedPlayer extends RoomPlayer {
  findStreams() {
    return { parts: JSON.parse(this.stage.dataset.parts) };
  }

  makeSupervisor(streams) {
    return new RecordedPlayback(this.video, streams);
  }

  makeControls() {
    return new RecordedControls(this.stage, this);
  }

  /** A recording plays when the viewer starts it. */
  begin() {}

  seek(position) {
    const [start, end] = this.supervisor.bounds();
    if (Number.isFinite(end)) this.video.currentTime = Math.max(start, Math.min(position, end));
  }
}
