// Audio and subtitle tracks, by keys that stay valid from one stream to the next.

// Text tracks with captions that do not come with the stream.
const ownTracks = new WeakSet();

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

/** Return the name of a language in the language of the page. */
export function languageName(code) {
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

/** Create a text track for captions that do not come with the stream. Engines leave it alone. */
export function addOwnTrack(video, language) {
  // hls.js manages tracks that have a label.
  const track = video.addTextTrack("captions", "", language);
  ownTracks.add(track);
  return track;
}

/** Return the text tracks that come with the stream. */
export function streamTextTracks(video) {
  return [...video.textTracks].filter((track) => /^(subtitles|captions)$/.test(track.kind) && !ownTracks.has(track));
}

/** Return the tracks that hls.js has created for CEA-608 and CEA-708, which are no tracks of the playlist. */
export function embeddedTracks(video, subtitleTracks) {
  const ofPlaylist = new Set(subtitleTracks.map(({ trackNode }) => trackNode?.track));
  return streamTextTracks(video).filter((track) => !ofPlaylist.has(track));
}

/** Show one text track, or none. */
export function showOnly(tracks, chosen) {
  for (const track of tracks) {
    const mode = track === chosen ? "showing" : "disabled";
    if (track.mode !== mode) track.mode = mode;
  }
}
