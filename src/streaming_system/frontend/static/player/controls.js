// What one sees of the player and presses: a bar below the picture, and words over it.

import { remember, remembered } from "./choices.js";
import { KEYS } from "./keys.js";

const SHOW_EVERY = 1000;
const IDLE_AFTER = 3000;
// A stream that can be seen again for less than that needs no slider.
const SHORTEST_WINDOW = 30;

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  sound: "M4 9v6h4l5 5V4L8 9zM16 8a5 5 0 0 1 0 8l-1-1.4a3.3 3.3 0 0 0 0-5.2zM18 5a9 9 0 0 1 0 14l-1-1.5a7.2 7.2 0 0 0 0-11z",
  silent: "M4 9v6h4l5 5V4L8 9zM15.4 9l-1.4 1.4L15.6 12 14 13.6l1.4 1.4L17 13.400l1.6 1.6 1.4-1.4L18.4 12l1.6-1.6L18.6 9 17 10.600z",
  picture: "M3 5h18v14H3zM5 7v10h14V7zM12 12h6v4h-6z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
};

const WORDS = {
  loads: "The stream is on its way.",
  waits: "The stream is not there at the moment. It goes on by itself as soon as it is back.",
  offline: "Your device is offline. The stream goes on by itself when it is back.",
};

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function icon(name) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = svg.appendChild(document.createElementNS(SVG, "path"));
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  return svg;
}

function button(label, image, action) {
  const element = make("button", { type: "button", onclick: action });
  dress(element, label, image);
  return element;
}

/** Give a button another name and picture, if it has not got them. */
function dress(element, label, image) {
  if (element.title === label) return;
  element.title = label;
  element.setAttribute("aria-label", label);
  element.replaceChildren(icon(image));
}

export class Controls {
  constructor(stage, room) {
    Object.assign(this, { stage, room, video: room.video });
    this.events = new AbortController();
    this.play = button("Play", "play", () => room.toggle());
    this.sound = button("Sound off", "sound", () => room.mute());
    this.volume = make("input", { type: "range", className: "player-volume", min: 0, max: 100, step: 5 });
    this.volume.setAttribute("aria-label", "Volume");
    this.volume.oninput = () => room.loudness(this.volume.value / 100);
    this.time = make("input", { type: "range", className: "player-time", step: 1, hidden: true });
    this.time.setAttribute("aria-label", "Position");
    this.time.oninput = () => room.seek(Number(this.time.value));
    this.live = make("button", { type: "button", className: "player-live", textContent: "Back to live", hidden: true });
    this.live.onclick = () => { room.toLive(); this.play.focus(); };
    this.quality = make("select", { className: "player-quality", hidden: true });
    this.quality.setAttribute("aria-label", "Quality");
    this.quality.onchange = () => room.choose(this.quality.value);
    this.picture = button("Picture in picture", "picture", () => room.picture());
    this.picture.hidden = !document.pictureInPictureEnabled;
    this.full = button("Full screen", "full", () => room.full());
    this.full.hidden = !(document.fullscreenEnabled || this.video.webkitEnterFullscreen);
    this.keys = make("button", { type: "button", className: "player-keys", title: "Keys", textContent: "?" });
    this.keys.setAttribute("aria-label", "Keys");
    this.keys.onclick = () => this.help();
    this.bar = make("div", { className: "player-bar" }, this.play, this.sound, this.volume, this.time, this.live,
      make("span", { className: "player-space" }), this.quality, this.picture, this.full, this.keys);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", "Player");
    this.words = make("p", { className: "player-words" });
    this.words.setAttribute("role", "status");
    this.begin = make("button", { type: "button", className: "button player-begin", textContent: "Play", hidden: true });
    this.begin.onclick = () => { room.toggle(); this.play.focus(); };
    this.youtube = make("a", { className: "button", textContent: "Watch on YouTube", rel: "noopener noreferrer", hidden: true });
    this.says = make("div", { className: "player-says" }, this.words, this.begin, this.youtube);
    this.unmute = make("button", { type: "button", className: "player-unmute", textContent: "Turn the sound on", hidden: true });
    this.unmute.onclick = () => { room.mute(); this.sound.focus(); };
    this.video.after(this.says, this.unmute, this.bar);
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.events.signal });
    for (const name of ["play", "pause", "playing", "seeked"]) on(this.video, name, () => this.show());
    on(this.video, "click", () => room.toggle());
    on(this.video, "dblclick", () => room.full());
    for (const name of ["pointermove", "keydown", "focusin"]) on(stage, name, () => this.stirs());
    this.showing = setInterval(() => { if (!document.hidden) this.show(); }, SHOW_EVERY);
    this.show();
  }

  show() {
    const { video } = this;
    const { keeper } = this.room;
    const plays = keeper.wanted && !(keeper.engine && video.paused);
    dress(this.play, plays ? "Pause" : "Play", plays ? "pause" : "play");
    const silent = video.muted || video.volume === 0;
    dress(this.sound, silent ? "Sound on" : "Sound off", silent ? "silent" : "sound");
    if (document.activeElement !== this.volume) this.volume.value = silent ? 0 : Math.round(100 * video.volume);
    this.unmute.hidden = !(keeper.silenced && video.muted && keeper.state === "plays");
    this.showWords(keeper);
    this.showTime(keeper);
    this.showQualities(keeper);
  }

  showWords({ state, known }) {
    const words = WORDS[state] ?? "";
    if (this.words.textContent !== words) this.words.textContent = words;
    this.begin.hidden = state !== "blocked" && state !== "stopped";
    const id = state === "waits" ? known.youtube : "";
    this.youtube.hidden = !id;
    if (id) {
      this.youtube.dataset.youtube = id;
      this.youtube.href = `https://www.youtube.com/watch?v=${encodeURIComponent(id)}`;
    }
    this.says.hidden = words === "" && this.begin.hidden;
    this.stage.dataset.says = state ?? "";
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
    const behind = Math.round(engine.behind());
    this.time.setAttribute("aria-valuetext", engine.isBehind() ? `${behind} seconds behind live` : "live");
  }

  showQualities(keeper) {
    const { options, chosen } = keeper.qualities();
    this.quality.hidden = options.length === 0;
    const shown = JSON.stringify(options);
    if (shown !== this.shownQualities) {
      this.shownQualities = shown;
      this.quality.replaceChildren(...options.map(({ id, label }) => make("option", { value: id, textContent: label })));
    }
    if (chosen && document.activeElement !== this.quality) this.quality.value = chosen;
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
    const rows = KEYS.flatMap(([keys, words]) => [make("dt", { textContent: keys }), make("dd", { textContent: words })]);
    const use = make("input", { type: "checkbox", checked: remembered().keys });
    use.onchange = () => remember({ keys: use.checked });
    const title = make("h2", { id: "player-keys", textContent: "Keys of the player" });
    const close = make("button", { className: "button", textContent: "Close" });
    const form = make("form", { method: "dialog" }, close);
    const dialog = make("dialog", { className: "player-help" }, title, make("dl", {}, ...rows), make("label", {}, use, " Use these keys"), form);
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
