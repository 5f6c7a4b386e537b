// The button that turns the picture off, for slow or metered connections. It shows how much that saves.

import { t } from "../i18n.js";
import { icon, make } from "./dom.js";
import { isMainVideo, soundsOf } from "./endpoints.js";

const MEGABIT = 1e6;
const MIN_SAVINGS = 50_000;

/** Return the id of the quality without a picture, and the bits per second that it saves (0 if unknown); null without one. */
export function soundOption({ engine, streams }) {
  if (engine?.hasAudioOnly?.()) return { id: "audio", savings: engine.audioOnlySavings() };
  const [sound] = soundsOf(streams.all());
  return sound ? { id: sound.stream, savings: 0 } : null;
}

export function isSoundOnly({ engine, source }) {
  return Boolean(source?.audio) || engine?.chosen === "audio";
}

/** Whether the room has a picture at all, which may be off. */
function hasPicture({ streams }) {
  return streams.all().some(({ sources }) => sources.some(isMainVideo));
}

export class SoundOnlyButton {
  constructor(player) {
    this.savings = make("span", { className: "player-savings" });
    this.button = make("button", { type: "button", className: "player-sound", hidden: true }, icon("headphones"),
      make("span", {}, t("Audio only")), this.savings);
    this.button.onclick = () => player.toggleSoundOnly();
  }

  update(supervisor) {
    const sound = soundOption(supervisor);
    const isOn = isSoundOnly(supervisor);
    this.button.hidden = sound === null || !hasPicture(supervisor);
    if (this.button.hidden) return;
    const text = sound.savings >= MIN_SAVINGS ? t("saves about {rate}", { rate: formatRate(sound.savings) }) : "";
    if (this.savings.textContent !== text) this.savings.textContent = text;
    this.button.setAttribute("aria-pressed", String(isOn));
    // Narrow players show the icon only.
    this.button.title = [t("Audio only"), text].filter(Boolean).join(", ");
    this.button.setAttribute("aria-label", this.button.title);
  }
}

function formatRate(bits) {
  const locale = document.documentElement.lang || "en";
  if (bits < MEGABIT) return `${(Math.round(bits / 10_000) * 10).toLocaleString(locale)} kbit/s`;
  return `${(bits / MEGABIT).toLocaleString(locale, { maximumFractionDigits: 1 })} Mbit/s`;
}
