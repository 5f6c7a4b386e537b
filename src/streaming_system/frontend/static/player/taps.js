// Taps on the picture: two at its left or right edge skip; one plays or pauses, or shows a bar that is hidden.

const DOUBLE_TAP_MS = 300;
const SKIP_SECONDS = 10;

export class TapHandler {
  constructor(stage, player, signal) {
    Object.assign(this, { stage, player, last: { side: 0, at: -Infinity } });
    const { video } = player;
    // Before the tap itself shows the bar.
    stage.addEventListener("pointerdown", (event) => {
      this.isTouch = event.pointerType === "touch";
      this.isBarHidden = stage.classList.contains("is-idle") && isBarOverPicture(stage);
    }, { signal, capture: true });
    video.addEventListener("click", (event) => { if (this.isTouch) this.onTap(event); else player.togglePlayback(); }, { signal });
    video.addEventListener("dblclick", () => { if (!this.isTouch) player.toggleFullscreen(); }, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  onTap({ clientX, timeStamp }) {
    const { left, width } = this.player.video.getBoundingClientRect();
    const share = (clientX - left) / width;
    const side = share < 1 / 3 ? -1 : share > 2 / 3 ? 1 : 0;
    const isSecond = timeStamp - this.last.at < DOUBLE_TAP_MS && side === this.last.side;
    this.last = { side, at: timeStamp };
    clearTimeout(this.timer);
    if (isSecond && side) return this.player.skip(side * SKIP_SECONDS);
    if (isSecond) return this.player.toggleFullscreen();
    if (!this.isBarHidden) this.timer = setTimeout(() => this.player.togglePlayback(), DOUBLE_TAP_MS);
  }
}

function isBarOverPicture(stage) {
  return document.fullscreenElement === stage || document.documentElement.classList.contains("theatre");
}
