// The player of a tile of the wall: that of a room, muted, without controls of its own.

import { t } from "../i18n.js";
import { iconButton, setIcon } from "./dom.js";
import { LastFrame } from "./last-frame.js";
import { PlaybackSupervisor } from "./playback-supervisor.js";
import { loadPreferences } from "./preferences.js";
import { RoomPlayer } from "./room-player.js";
import { shareSound } from "./sound-sharing.js";
import { StatusOverlay } from "./status-overlay.js";
import { keepScreenOn } from "./wake-lock.js";

const UPDATE_INTERVAL = 1000;

/** Stops a stream that is muted and outside of the window. */
class TileSupervisor extends PlaybackSupervisor {
  isOnScreen = true;

  setOnScreen(isOnScreen) {
    this.isOnScreen = isOnScreen;
    if (isOnScreen) this.wake();
    else this.sleepIfUnattended();
  }

  isUnattended() {
    return super.isUnattended() || (!this.isOnScreen && this.video.muted);
  }

  wake() {
    if (!this.isUnattended()) super.wake();
  }
}

/** The button that gives the tile the sound covers the picture; messages are above it. */
class TileControls {
  constructor(stage, player) {
    Object.assign(this, { stage, player, video: player.video });
    this.room = stage.getAttribute("aria-label");
    this.listeners = new AbortController();
    this.status = new StatusOverlay(stage, player);
    this.lastFrame = new LastFrame(this.video);
    this.playButton = iconButton("", "silent", () => player.toggleMute());
    this.playButton.className = "tile-sound";
    this.video.after(this.lastFrame.canvas, this.playButton, this.status.element, this.status.playButton);
    const { signal } = this.listeners;
    player.supervisor.addEventListener("drop", () => this.lastFrame.capture(), { signal });
    for (const name of ["play", "pause", "playing"]) this.video.addEventListener(name, () => this.update(), { signal });
    this.updateTimer = setInterval(() => { if (!document.hidden) this.update(); }, UPDATE_INTERVAL);
    this.update();
  }

  update() {
    const { supervisor } = this.player;
    const isAudible = !this.video.muted && this.video.volume > 0;
    setIcon(this.playButton, t("Sound of {room}", { room: this.room }), isAudible ? "sound" : "silent");
    this.playButton.setAttribute("aria-pressed", String(isAudible));
    this.stage.parentElement?.classList.toggle("has-sound", isAudible);
    if (supervisor.state === "playing") this.lastFrame.clear();
    this.status.update(supervisor);
    // A tile has no room for offers that leave the wall or change stored preferences.
    this.status.soundButton.hidden = this.status.youtubeLink.hidden = true;
  }

  destroy() {
    this.listeners.abort();
    clearInterval(this.updateTimer);
  }
}

export class TilePlayer extends RoomPlayer {
  /** Several streams share the connection: a smaller picture, and a larger buffer. */
  loadPreferences() {
    const [low] = JSON.parse(this.stage.dataset.formats).find(([name, , type]) => name.endsWith("_low") && type.startsWith("video/")) ?? ["auto"];
    return { ...loadPreferences(), quality: low, delay: "steady", muted: true };
  }

  makeSupervisor(streams) {
    return new TileSupervisor(this.video, streams);
  }

  makeControls() {
    return new TileControls(this.stage, this);
  }

  /** The wall has its own keys. */
  handleKey() {
    return false;
  }

  /** The sound of a tile is no preference of the viewer. */
  onVolumeChange() {
    const { muted } = this.video;
    if (!muted) Object.assign(this.supervisor, { isAutoMuted: false, isSoundTaken: false });
    this.stage.dispatchEvent(new CustomEvent(muted ? "tile-muted" : "tile-audible", { bubbles: true }));
    this.controls.update();
  }

  startExtras() {
    if (this.hasExtras || this.supervisor.state !== "playing") return;
    this.hasExtras = true;
    const { signal } = this.listeners;
    for (const start of [shareSound, keepScreenOn]) start(this, signal);
  }
}
