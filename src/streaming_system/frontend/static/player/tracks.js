// Audio and subtitle tracks, by keys that stay valid from one stream to the next.

/** Return the key of a track: its language, or its name if several tracks have that language. */
export function keyOf(track, tracks) {
  const language = track.lang ?? track.language ?? "";
  const same = tracks.filter((other) => (other.lang ?? other.language ?? "") === language);
  return language && same.length === 1 ? language : nameOf(track) || language;
}

function nameOf(track) {
  return track.name ?? track.label ?? "";
}

/** Return tracks as menu options: "German", or the stream's name of a track without a language of its own. */
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
    // The stream contains an invalid language tag.
    return code;
  }
}

/** Return the index of the track with a key; "de-AT" also finds "de"; -1 if there is none. */
export function findTrack(tracks, key) {
  const keys = tracks.map((track) => keyOf(track, tracks));
  const base = (code) => code.toLowerCase().split("-")[0];
  const exact = keys.indexOf(key);
  return exact >= 0 || !key ? exact : keys.findIndex((other) => base(other) === base(key));
}
