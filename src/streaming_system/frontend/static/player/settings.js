// The settings panel above its button: a menu for each property of the stream that has alternatives.

import { t } from "../i18n.js";
import { iconButton, make } from "./dom.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
// Faster playback requires that the viewer is this many seconds behind live.
const MIN_SECONDS_BEHIND = 1;

export class SettingsPanel {
  constructor(player) {
    this.player = player;
    this.button = iconButton(t("Settings"), "settings", () => this.toggle());
    this.button.setAttribute("aria-expanded", "false");
    this.button.hidden = true;
    const labels = { quality: t("Quality"), language: t("Language"), subtitles: t("Subtitles"), speed: t("Speed"), delay: t("Latency") };
    this.rows = Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, this.makeRow(name, label)]));
    this.panel = make("div", { className: "player-settings", hidden: true }, ...Object.values(this.rows).map(({ element }) => element));
    this.element = make("span", { className: "player-menu" }, this.button, this.panel);
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.toggle();
      this.button.focus();
    });
  }

  makeRow(name, text) {
    const id = `player-${name}`;
    const select = make("select", { id });
    select.onchange = () => (name === "speed" ? this.player.setRate(Number(select.value)) : this.player.choose(name, select.value));
    const label = make("label", { htmlFor: id, textContent: text });
    return { select, element: make("div", { hidden: true }, label, select), shown: "" };
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    // A click outside closes the panel.
    if (this.panel.hidden) this.outside?.abort();
    else this.closeByClickOutside();
    this.button.setAttribute("aria-expanded", String(!this.panel.hidden));
  }

  closeByClickOutside() {
    this.outside = new AbortController();
    document.addEventListener("pointerdown", ({ target }) => {
      if (!this.element.isConnected) this.outside.abort();
      else if (!this.element.contains(target)) this.toggle();
    }, { signal: this.outside.signal });
  }

  update(supervisor) {
    const { quality, language, subtitles, delay } = supervisor.menus();
    const off = { id: "", label: t("Off") };
    this.updateRow("quality", quality);
    this.updateRow("language", language.options.length > 1 ? language : { options: [] });
    this.updateRow("subtitles", subtitles.options.length ? { options: [off, ...subtitles.options], chosen: subtitles.chosen } : { options: [] });
    this.updateRow("delay", delay);
    this.updateRow("speed", { options: this.speeds(supervisor), chosen: String(supervisor.rate) });
    this.button.hidden = Object.values(this.rows).every(({ element }) => element.hidden);
    if (this.button.hidden && !this.panel.hidden) this.toggle();
  }

  speeds({ engine, isRecorded = false }) {
    if (!engine || !(isRecorded || engine.canSetRate())) return [];
    const isBehind = isRecorded || engine.secondsBehind() > MIN_SECONDS_BEHIND;
    return SPEEDS.map((rate) => ({
      id: String(rate),
      label: rate === 1 ? t("Normal") : `${rate.toLocaleString(document.documentElement.lang || "en")}×`,
      disabled: rate > 1 && !isBehind,
    }));
  }

  /** Replace the options only when they change: the menu may be open. */
  updateRow(name, { options, chosen = "" }) {
    const row = this.rows[name];
    row.element.hidden = options.length === 0;
    const shown = JSON.stringify(options.map(({ id, label }) => [id, label]));
    if (shown !== row.shown) {
      row.shown = shown;
      row.select.replaceChildren(...options.map(({ id, label }) => make("option", { value: id, textContent: label })));
    }
    options.forEach(({ disabled = false }, number) => { row.select.options[number].disabled = disabled; });
    if (row.select.value !== chosen) row.select.value = chosen;
  }
}
