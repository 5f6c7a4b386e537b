// What one sees of the player and presses: a bar below the picture, and words over it.

import { n, t } from "../words.js";
import { remember, remembered } from "./choices.js";
import { button, dress, make } from "./elements.js";
import { keys } from "./keys.js";
import { Says } from "./says.js";
import { Settings } from "./settings.js";

const SHOW_EVERY = 1000;
const IDLE_AFTER = 3000;
// A stream that can be seen again for less than that needs no slider.
const SHORTEST_WINDOW = 30;

export class Controls {
  constructor(stage, room) {
    Object.assign(this, { stage, room, video: room.video });
    this.events = new AbortController();
    this.makeBar();
    this.says = new Says(stage, () => { room.toggle(); this.play.focus(); });
    this.unmute = make("button", { type: "button", className: "player-unmute", textContent: t("Turn the sound on"), hidden: true });
    this.unmute.onclick = () => { room.mute(); this.sound.focus(); };
    this.video.after(this.says.element, this.unmute, this.bar);
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.events.signal });
    for (const name of ["play", "pause", "playing", "seeked"]) on(this.video, name, () => this.show());
    on(this.video, "click", () => room.toggle());
    on(this.video, "dblclick", () => room.full());
    for (const name of ["pointermove", "keydown", "focusin"]) on(stage, name, () => this.stirs());
    this.showing = setInterval(() => { if (!document.hidden) this.show(); }, SHOW_EVERY);
    this.show();
  }

  makeBar() {
    const { room } = this;
    this.play = button(t("Play"), "play", () => room.toggle());
    this.sound = button(t("Sound off"), "sound", () => room.mute());
    this.volume = make("input", { type: "range", className: "player-volume", min: 0, max: 100, step: 5 });
    this.volume.setAttribute("aria-label", t("Volume"));
    this.volume.oninput = () => room.loudness(this.volume.value / 100);
    this.time = make("input", { type: "range", className: "player-time", step: 1, hidden: true });
    this.time.setAttribute("aria-label", t("Position"));
    this.time.oninput = () => room.seek(Number(this.time.value));
    this.latency = make("span", { className: "player-latency", hidden: true });
    this.live = make("button", { type: "button", className: "player-live", textContent: t("Back to live"), hidden: true });
    this.live.onclick = () => { room.toLive(); this.play.focus(); };
    this.settings = new Settings(room);
    this.picture = button(t("Picture in picture"), "picture", () => room.picture());
    this.picture.hidden = !document.pictureInPictureEnabled;
    this.full = button(t("Full screen"), "full", () => room.full());
    this.full.hidden = !(document.fullscreenEnabled || this.video.webkitEnterFullscreen);
    this.keys = make("button", { type: "button", className: "player-keys", title: t("Keys"), textContent: "?" });
    this.keys.setAttribute("aria-label", t("Keys"));
    this.keys.onclick = () => this.help();
    this.bar = make("div", { className: "player-bar" }, this.play, this.sound, this.volume, this.time, this.live, this.latency,
      make("span", { className: "player-space" }), this.settings.button, this.picture, this.full, this.keys, this.settings.panel);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", t("Player"));
  }

  show() {
    const { video } = this;
    const { keeper } = this.room;
    const plays = keeper.wanted && !(keeper.engine && video.paused);
    dress(this.play, plays ? t("Pause") : t("Play"), plays ? "pause" : "play");
    const silent = video.muted || video.volume === 0;
    dress(this.sound, silent ? t("Sound on") : t("Sound off"), silent ? "silent" : "sound");
    if (document.activeElement !== this.volume) this.volume.value = silent ? 0 : Math.round(100 * video.volume);
    this.unmute.hidden = !(keeper.silenced && video.muted && keeper.state === "plays");
    this.says.show(keeper);
    this.showTime(keeper);
    this.showLatency(keeper);
    this.settings.show(keeper);
  }

  showTime({ engine }) {
    const { seekable, currentTime } = this.video;
    const begin = seekable.length ? seekable.start(0) : 0;
    const end = seekable.length ? seekable.end(seekable.length - 1) : 0;
    this.time.hidden = !(engine && Number.isFinite(end) && end - begin > SHORTEST_WINDOW);
    this.live.hidden = !engine?.isBehind();
    if (this.time.hidden) return;
    this.time.min = Math.floor(begin);
    this.time.max = Math.ceil(end);
    this.time.value = currentTime;
    const seconds = Math.round(engine.behind());
    this.time.setAttribute("aria-valuetext", engine.isBehind() ? n("{count} second behind live", "{count} seconds behind live", seconds) : t("live"));
  }

  showLatency({ engine, state }) {
    const latency = state === "plays" ? engine?.latency() ?? null : null;
    this.latency.hidden = latency === null;
    if (latency !== null) this.latency.textContent = t("{seconds} s behind live", { seconds: Math.round(latency) });
  }

  /** In full screen the bar leaves when nobody moves. */
  stirs() {
    this.stage.classList.remove("is-idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.stage.classList.add("is-idle"), IDLE_AFTER);
  }

  help() {
    this.dialog ??= this.makeHelp();
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  makeHelp() {
    const rows = keys().flatMap(([key, words]) => [make("dt", { textContent: key }), make("dd", { textContent: words })]);
    const use = make("input", { type: "checkbox", checked: remembered().keys });
    use.onchange = () => remember({ keys: use.checked });
    const title = make("h2", { id: "player-keys", textContent: t("Keys of the player") });
    const close = make("button", { className: "button", textContent: t("Close") });
    const form = make("form", { method: "dialog" }, close);
    const label = make("label", {}, use, " ", t("Use these keys"));
    const dialog = make("dialog", { className: "player-help" }, title, make("dl", {}, ...rows), label, form);
    dialog.setAttribute("aria-labelledby", "player-keys");
    this.stage.append(dialog);
    return dialog;
  }

  leave() {
    this.events.abort();
    clearInterval(this.showing);
    clearTimeout(this.idle);
  }
}
