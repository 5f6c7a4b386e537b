// The last frame of a stream that has stopped, dimmed below the message: the picture does not turn black.

import { make } from "./dom.js";

// Dimmed, a larger picture looks the same.
const MAX_WIDTH = 1280;

export class LastFrame {
  constructor(video) {
    this.video = video;
    this.canvas = make("canvas", { className: "player-frame", hidden: true });
    this.canvas.setAttribute("aria-hidden", "true");
  }

  /** Copy the current frame; without one, the copy of an earlier frame stays. */
  capture() {
    const { videoWidth: width, videoHeight: height, readyState } = this.video;
    if (!width || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    const scale = Math.min(1, MAX_WIDTH / width);
    Object.assign(this.canvas, { width: width * scale, height: height * scale });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.hidden = false;
  }

  clear() {
    this.canvas.hidden = true;
  }
}
