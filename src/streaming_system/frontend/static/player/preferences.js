// What a viewer has chosen, kept in this browser and told to nobody.

const KEY = "player";
const DEFAULTS = { volume: 1, muted: false, quality: "auto", delay: "low", language: "", subtitles: "", keys: true };

export function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    const known = Object.entries(DEFAULTS).filter(([name, value]) => typeof kept[name] === typeof value);
    const choices = { ...DEFAULTS, ...Object.fromEntries(known.map(([name]) => [name, kept[name]])) };
    choices.volume = Math.min(1, Math.max(0, choices.volume));
    return choices;
  } catch {
    // Some browsers keep nothing, and anything may have been written there.
    return { ...DEFAULTS };
  }
}

export function remember(changed) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), ...changed }));
  } catch {
    // Then it holds for this page.
  }
}
