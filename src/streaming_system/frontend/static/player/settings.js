// What one chooses seldom: a row below the bar, with a menu for each thing that the stream leaves to choose.

import { t } from "../words.js";
import { button, make } from "./elements.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
// Nobody can be faster than what is not there yet.
const FASTER_FROM = 1;

export class Settings {
  constructor(room) {
    this.room = room;
    this.button = button(t("Settings"), "settings", () => this.toggle());
    this.button.setAttribute("aria-expanded", "false");
    this.button.hidden = true;
    const names = { quality: t("Quality"), language: t("Language"), subtitles: t("Subtitles"), speed: t("Speed"), delay: t("Delay") };
    this.rows = Object.fromEntries(Object.entries(names).map(([name, label]) => [name, this.row(name, label)]));
    this.panel = make("div", { className: "player-settings", hidden: true }, ...Object.values(this.rows).map(({ element }) => element));
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.toggle();
      this.button.focus();
    });
  }

  row(name, words) {
    const id = `player-${name}`;
    const select = make("select", { id });
    select.onchange = () => (name === "speed" ? this.room.speed(Number(select.value)) : this.room.choose(name, select.value));
    const label = make("label", { htmlFor: id, textContent: words });
    return { select, element: make("div", { hidden: true }, label, select), shown: "" };
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    this.button.setAttribute("aria-expanded", String(!this.panel.hidden));
  }

  show(keeper) {
    const { quality, language, subtitles, delay } = keeper.menus();
    const off = { id: "", label: t("Off") };
    this.fill("quality", quality);
    this.fill("language", language.options.length > 1 ? language : { options: [] });
    this.fill("subtitles", subtitles.options.length ? { options: [off, ...subtitles.options], chosen: subtitles.chosen } : { options: [] });
    this.fill("delay", delay);
    this.fill("speed", { options: this.speeds(keeper), chosen: String(keeper.rate) });
    this.button.hidden = Object.values(this.rows).every(({ element }) => element.hidden);
    if (this.button.hidden && !this.panel.hidden) this.toggle();
  }

  speeds({ engine }) {
    if (!engine?.hasPace()) return [];
    const behind = engine.behind() > FASTER_FROM;
    return SPEEDS.map((rate) => ({
      id: String(rate),
      label: rate === 1 ? t("Normal") : `${rate.toLocaleString(document.documentElement.lang || "en")}×`,
      disabled: rate > 1 && !behind,
    }));
  }

  /** Menus are only made anew when they change: one of them may be open. */
  fill(name, { options, chosen = "" }) {
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
