// The player of a talk's recording: that of a room, without all that is live.

import { t } from "../i18n.js";
import { Controls } from "./controls.js";
import { RecordedPlayback } from "./recorded-playback.js";
import { RoomPlayer } from "./room-player.js";
import { SeekBar } from "./seek-bar.js";

/** Positions count from the beginning of the talk. */
class RecordedSeekBar extends SeekBar {
  update({ engine }) {
    const [start, end] = this.player.supervisor.bounds();
    Object.assign(this, { start, end });
    this.element.hidden = !engine || !Number.isFinite(end);
    if (this.element.hidden) return;
    const { currentTime } = this.video;
    Object.assign(this.input, { min: Math.floor(start), max: Math.ceil(end), value: currentTime });
    this.time.textContent = this.textOf(currentTime);
    this.edge.textContent = this.textOf(end);
    this.input.setAttribute("aria-valuetext", t("{minutes} min", { minutes: Math.max(0, Math.floor((currentTime - start) / 60)) }));
  }

  textOf(position) {
    const seconds = Math.max(0, Math.floor(position - this.start));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

class RecordedControls extends Controls {
  makeSeekBar() {
    return new RecordedSeekBar(this.stage, this.player);
  }

  update() {
    super.update();
    this.liveButton.hidden = true;
    if (this.player.supervisor.state !== "failed") return;
    this.status.message.textContent = t("The recording cannot be played right now.");
    this.status.playButton.hidden = this.status.element.hidden = false;
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
