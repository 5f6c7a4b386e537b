// The viewer's preferences. They are stored in this browser and never sent.

const KEY = "player";
const DEFAULTS = { volume: 1, muted: false, quality: "auto", delay: "low", language: "", subtitles: "", keys: true };

export function loadPreferences() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY)) ?? {};
    const valid = Object.entries(DEFAULTS).filter(([name, value]) => typeof stored[name] === typeof value);
    const preferences = { ...DEFAULTS, ...Object.fromEntries(valid.map(([name]) => [name, stored[name]])) };
    preferences.volume = Math.min(1, Math.max(0, preferences.volume));
    return preferences;
  } catch {
    // Storage is not available, or contains invalid JSON.
    return { ...DEFAULTS };
  }
}

export function storePreferences(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...changes }));
  } catch {
    // Without storage the choice applies to this page only.
  }
}
