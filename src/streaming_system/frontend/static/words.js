export function t(words, values = {}) { return words.replace(/\{(\w+)\}/g, (_, n) => values[n] ?? ""); }
