// The player's controls: a bar below the picture, and the status overlay.

import { t } from "../i18n.js";
import { iconButton, make, setIcon } from "./dom.js";
import { describeShortcuts } from "./keyboard-shortcuts.js";
import { LastFrame } from "./last-frame.js";
import { loadPreferences, storePreferences } from "./preferences.js";
import { SeekBar } from "./seek-bar.js";
import { SettingsPanel } from "./settings.js";
import { SoundOnlyButton } from "./sound-only.js";
import { StatusOverlay } from "./status-overlay.js";
import { TapHandler } from "./taps.js";

const UPDATE_INTERVAL = 1000;
const IDLE_TIMEOUT = 3000;

export class Controls {
  constructor(stage, player) {
    Object.assign(this, { stage, player, video: player.video });
    this.listeners = new AbortController();
    this.makeBar();
    this.status = new StatusOverlay(stage, player);
    this.lastFrame = new LastFrame(this.video);
    this.unmuteButton = make("button", { type: "button", className: "player-unmute", textContent: t("Turn on sound"), hidden: true });
    this.unmuteButton.onclick = () => { player.toggleMute(); this.muteButton.focus(); };
    this.video.after(this.lastFrame.canvas, this.status.element, this.status.playButton, this.unmuteButton, this.bar);
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.listeners.signal });
    for (const name of ["play", "pause", "playing", "seeked"]) on(this.video, name, () => this.update());
    on(player.supervisor, "drop", () => this.lastFrame.capture());
    this.taps = new TapHandler(stage, player, this.listeners.signal);
    for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) on(stage, name, () => this.onActivity());
    this.updateTimer = setInterval(() => { if (!document.hidden) this.update(); }, UPDATE_INTERVAL);
    this.onActivity();
    this.update();
  }

  makeBar() {
    const { player } = this;
    this.playButton = iconButton(t("Play"), "play", () => player.togglePlayback());
    this.muteButton = iconButton(t("Mute"), "sound", () => player.toggleMute());
    this.volume = make("input", { type: "range", className: "player-volume", min: 0, max: 100, step: 5 });
    this.volume.setAttribute("aria-label", t("Volume"));
    this.volume.oninput = () => player.setVolume(this.volume.value / 100);
    this.seekBar = this.makeSeekBar();
    this.latency = make("span", { className: "player-latency", hidden: true });
    this.liveButton = make("button", { type: "button", className: "player-live", textContent: t("Back to live"), hidden: true });
    this.liveButton.onclick = () => { player.seekToLive(); this.playButton.focus(); };
    this.settings = new SettingsPanel(player);
    this.soundOnly = new SoundOnlyButton(player);
    this.pictureButton = iconButton(t("Picture in picture"), "picture", () => player.togglePictureInPicture());
    this.pictureButton.hidden = !document.pictureInPictureEnabled;
    this.fullscreenButton = iconButton(t("Full screen"), "full", () => player.toggleFullscreen());
    this.fullscreenButton.hidden = !(document.fullscreenEnabled || this.video.webkitEnterFullscreen);
    this.helpButton = make("button", { type: "button", className: "player-keys", title: t("Keyboard shortcuts"), textContent: "?" });
    this.helpButton.setAttribute("aria-label", t("Keyboard shortcuts"));
    this.helpButton.onclick = () => this.toggleHelp();
    this.bar = make("div", { className: "player-bar" }, this.seekBar.element, this.playButton, this.muteButton, this.volume,
      this.seekBar.startButton, this.liveButton, this.latency, make("span", { className: "player-space" }), this.soundOnly.button,
      this.settings.element, this.pictureButton, this.fullscreenButton, this.helpButton);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", t("Player"));
  }

  makeSeekBar() {
    return new SeekBar(this.stage, this.player);
  }

  update() {
    const { video } = this;
    const { supervisor } = this.player;
    const isPlaying = supervisor.isWanted && !(supervisor.engine && video.paused);
    setIcon(this.playButton, isPlaying ? t("Pause") : t("Play"), isPlaying ? "pause" : "play");
    this.stage.classList.toggle("is-paused", !isPlaying);
    const isSilent = video.muted || video.volume === 0;
    setIcon(this.muteButton, isSilent ? t("Unmute") : t("Mute"), isSilent ? "silent" : "sound");
    if (document.activeElement !== this.volume) this.volume.value = isSilent ? 0 : Math.round(100 * video.volume);
    const invitation = supervisor.isSoundTaken ? t("Sound is playing in another tab. Turn it on here") : t("Turn on sound");
    if (this.unmuteButton.textContent !== invitation) this.unmuteButton.textContent = invitation;
    this.unmuteButton.hidden = !(supervisor.isAutoMuted && video.muted && supervisor.state === "playing");
    if (supervisor.state === "playing") this.lastFrame.clear();
    this.status.update(supervisor);
    this.seekBar.update(supervisor);
    this.liveButton.hidden = this.seekBar.element.hidden || !supervisor.engine?.isBehind();
    this.updateLatency(supervisor);
    this.soundOnly.update(supervisor);
    this.settings.update(supervisor);
  }

  updateLatency({ engine, state }) {
    const latency = state === "playing" ? engine?.latency() ?? null : null;
    this.latency.hidden = latency === null;
    if (latency !== null) this.latency.textContent = t("{seconds} s behind live", { seconds: Math.round(latency) });
  }

  /** The badge hides after a time without activity; so does a bar over the picture. */
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
    const title = make("h2", { id: "player-keys", textContent: t("Player keyboard shortcuts") });
    const close = make("button", { className: "button", textContent: t("Close") });
    const form = make("form", { method: "dialog" }, close);
    const label = make("label", {}, checkbox, " ", t("Use keyboard shortcuts"));
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
