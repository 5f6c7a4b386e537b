// The player's controls: a bar below the picture, and the status overlay.

import { n, t } from "../i18n.js";
import { iconButton, make, setIcon } from "./dom.js";
import { describeShortcuts } from "./keyboard-shortcuts.js";
import { loadPreferences, storePreferences } from "./preferences.js";
import { SettingsPanel } from "./settings.js";
import { StatusOverlay } from "./status-overlay.js";

const UPDATE_INTERVAL = 1000;
const IDLE_TIMEOUT = 3000;
// A stream with a shorter seekable range has no slider.
const MIN_SEEKABLE_SECONDS = 30;

export class Controls {
  constructor(stage, player) {
    Object.assign(this, { stage, player, video: player.video });
    this.listeners = new AbortController();
    this.makeBar();
    this.status = new StatusOverlay(stage, () => { player.togglePlayback(); this.playButton.focus(); });
    this.unmuteButton = make("button", { type: "button", className: "player-unmute", textContent: t("Turn the sound on"), hidden: true });
    this.unmuteButton.onclick = () => { player.toggleMute(); this.muteButton.focus(); };
    this.video.after(this.status.element, this.unmuteButton, this.bar);
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.listeners.signal });
    for (const name of ["play", "pause", "playing", "seeked"]) on(this.video, name, () => this.update());
    on(this.video, "click", () => player.togglePlayback());
    on(this.video, "dblclick", () => player.toggleFullscreen());
    for (const name of ["pointermove", "keydown", "focusin"]) on(stage, name, () => this.onActivity());
    this.updateTimer = setInterval(() => { if (!document.hidden) this.update(); }, UPDATE_INTERVAL);
    this.update();
  }

  makeBar() {
    const { player } = this;
    this.playButton = iconButton(t("Play"), "play", () => player.togglePlayback());
    this.muteButton = iconButton(t("Sound off"), "sound", () => player.toggleMute());
    this.volume = make("input", { type: "range", className: "player-volume", min: 0, max: 100, step: 5 });
    this.volume.setAttribute("aria-label", t("Volume"));
    this.volume.oninput = () => player.setVolume(this.volume.value / 100);
    this.position = make("input", { type: "range", className: "player-time", step: 1, hidden: true });
    this.position.setAttribute("aria-label", t("Position"));
    this.position.oninput = () => player.seek(Number(this.position.value));
    this.latency = make("span", { className: "player-latency", hidden: true });
    this.liveButton = make("button", { type: "button", className: "player-live", textContent: t("Back to live"), hidden: true });
    this.liveButton.onclick = () => { player.seekToLive(); this.playButton.focus(); };
    this.settings = new SettingsPanel(player);
    this.pictureButton = iconButton(t("Picture in picture"), "picture", () => player.togglePictureInPicture());
    this.pictureButton.hidden = !document.pictureInPictureEnabled;
    this.fullscreenButton = iconButton(t("Full screen"), "full", () => player.toggleFullscreen());
    this.fullscreenButton.hidden = !(document.fullscreenEnabled || this.video.webkitEnterFullscreen);
    this.helpButton = make("button", { type: "button", className: "player-keys", title: t("Keys"), textContent: "?" });
    this.helpButton.setAttribute("aria-label", t("Keys"));
    this.helpButton.onclick = () => this.toggleHelp();
    this.bar = make("div", { className: "player-bar" }, this.playButton, this.muteButton, this.volume, this.position, this.liveButton, this.latency,
      make("span", { className: "player-space" }), this.settings.button, this.pictureButton, this.fullscreenButton, this.helpButton, this.settings.panel);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", t("Player"));
  }

  update() {
    const { video } = this;
    const { supervisor } = this.player;
    const isPlaying = supervisor.isWanted && !(supervisor.engine && video.paused);
    setIcon(this.playButton, isPlaying ? t("Pause") : t("Play"), isPlaying ? "pause" : "play");
    const isSilent = video.muted || video.volume === 0;
    setIcon(this.muteButton, isSilent ? t("Sound on") : t("Sound off"), isSilent ? "silent" : "sound");
    if (document.activeElement !== this.volume) this.volume.value = isSilent ? 0 : Math.round(100 * video.volume);
    this.unmuteButton.hidden = !(supervisor.isAutoMuted && video.muted && supervisor.state === "playing");
    this.status.update(supervisor);
    this.updatePosition(supervisor);
    this.updateLatency(supervisor);
    this.settings.update(supervisor);
  }

  updatePosition({ engine }) {
    const { seekable, currentTime } = this.video;
    const start = seekable.length ? seekable.start(0) : 0;
    const end = seekable.length ? seekable.end(seekable.length - 1) : 0;
    this.position.hidden = !(engine && Number.isFinite(end) && end - start > MIN_SEEKABLE_SECONDS);
    this.liveButton.hidden = !engine?.isBehind();
    if (this.position.hidden) return;
    this.position.min = Math.floor(start);
    this.position.max = Math.ceil(end);
    this.position.value = currentTime;
    const seconds = Math.round(engine.secondsBehind());
    this.position.setAttribute("aria-valuetext", engine.isBehind() ? n("{count} second behind live", "{count} seconds behind live", seconds) : t("live"));
  }

  updateLatency({ engine, state }) {
    const latency = state === "playing" ? engine?.latency() ?? null : null;
    this.latency.hidden = latency === null;
    if (latency !== null) this.latency.textContent = t("{seconds} s behind live", { seconds: Math.round(latency) });
  }

  /** In full screen the bar hides after a time without activity. */
  onActivity() {
    this.stage.classList.remove("is-idle");
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.stage.classList.add("is-idle"), IDLE_TIMEOUT);
  }

  toggleHelp() {
    this.dialog ??= this.makeHelp();
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  makeHelp() {
    const rows = describeShortcuts().flatMap(([key, text]) => [make("dt", { textContent: key }), make("dd", { textContent: text })]);
    const checkbox = make("input", { type: "checkbox", checked: loadPreferences().keys });
    checkbox.onchange = () => storePreferences({ keys: checkbox.checked });
    const title = make("h2", { id: "player-keys", textContent: t("Keys of the player") });
    const close = make("button", { className: "button", textContent: t("Close") });
    const form = make("form", { method: "dialog" }, close);
    const label = make("label", {}, checkbox, " ", t("Use these keys"));
    const dialog = make("dialog", { className: "player-help" }, title, make("dl", {}, ...rows), label, form);
    dialog.setAttribute("aria-labelledby", "player-keys");
    this.stage.append(dialog);
    return dialog;
  }

  destroy() {
    this.listeners.abort();
    clearInterval(this.updateTimer);
    clearTimeout(this.idleTimer);
  }
}
