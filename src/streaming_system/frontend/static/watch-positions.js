// How far the viewer has watched talks and rooms. It is stored in this browser and never sent.

// Each conference of a site has talks of its own, with ids that others may have, too.
const { event } = document.body.dataset;
const KEY = event ? `watched ${event}` : "watched";
const MAX_ENTRIES = 200;

/** Return the entries `{part, seconds, isDone}` by the ids of talks and rooms, oldest first. */
export function loadPositions() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    const valid = (Array.isArray(stored) ? stored : []).filter(([id, part, seconds]) =>
      typeof id === "string" && Number.isInteger(part) && part >= 0 && Number.isFinite(seconds) && seconds >= 0);
    return new Map(valid.map(([id, part, seconds, isDone]) => [id, { part, seconds, isDone: isDone === true }]));
  } catch {
    // Storage is not available, or contains something else.
    return new Map();
  }
}

function store(positions) {
  try {
    const entries = [...positions].slice(-MAX_ENTRIES).map(([id, { part, seconds, isDone }]) => [id, part, Math.round(seconds), isDone]);
    if (entries.length) localStorage.setItem(KEY, JSON.stringify(entries));
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage there is nothing to resume.
  }
}

/** Store an entry as the newest one. A watched talk stays watched. */
export function storePosition(id, entry) {
  const positions = loadPositions();
  const isDone = entry.isDone || Boolean(positions.get(id)?.isDone);
  positions.delete(id);
  store(positions.set(id, { ...entry, isDone }));
}

export function forgetPosition(id) {
  const positions = loadPositions();
  if (positions.delete(id)) store(positions);
}

export function forgetAllPositions() {
  store(new Map());
}
