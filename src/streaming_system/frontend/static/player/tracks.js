// Languages of sound and subtitles, by names that hold from one stream to the next.

/** Return what a track is remembered by: its language, or its name where the language does not tell it from others. */
export function keyOf(track, tracks) {
  const language = track.lang ?? track.language ?? "";
  const same = tracks.filter((other) => (other.lang ?? other.language ?? "") === language);
  return language && same.length === 1 ? language : nameOf(track) || language;
}

function nameOf(track) {
  return track.name ?? track.label ?? "";
}

/** Return tracks as a viewer chooses among them: "German", or as the stream calls what has no language of its own. */
export function optionsOf(tracks) {
  return tracks.map((track) => {
    const key = keyOf(track, tracks);
    return { id: key, label: key === nameOf(track) ? key : languageName(key) };
  });
}

function languageName(code) {
  const names = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" });
  try {
    const name = names.of(code);
    return name.charAt(0).toLocaleUpperCase() + name.slice(1);
  } catch {
    // Streams call languages whatever they like.
    return code;
  }
}

/** Return the number of the track that is remembered by a key, also if it is "de-AT" and there is "de" only; -1 if none. */
export function find(tracks, key) {
  const keys = tracks.map((track) => keyOf(track, tracks));
  const base = (code) => code.toLowerCase().split("-")[0];
  const exact = keys.indexOf(key);
  return exact >= 0 || !key ? exact : keys.findIndex((other) => base(other) === base(key));
}
