// What can play a stream, of which only the one that is needed is loaded. All have the methods of native.js.

export const HLS_TYPE = "application/vnd.apple.mpegurl";
const WHEP_TYPE = "application/sdp";

let library;
/** Load hls.js, once; null where the browser cannot use it. */
function loadHls() {
  library ??= Promise.all([import("../vendor/hls/hls.min.mjs"), import("./hls.js")]).then(
    ([{ default: Hls }, { HlsEngine }]) => (Hls.isSupported() ? (...given) => new HlsEngine(Hls, ...given) : null),
    () => { library = undefined; return null; },
  );
  return library;
}

/** Tell whether a kind of stream may play here. */
export function canPlay(video, type) {
  if (type === WHEP_TYPE) return "RTCPeerConnection" in window;
  const scripted = type === HLS_TYPE && ("MediaSource" in window || "ManagedMediaSource" in window);
  return scripted || video.canPlayType(type) !== "";
}

/**
 * Return what begins to play a source.
 *
 * told.fails(): it cannot go on. told.jumps(): it has to begin anew. told.ends(): it says that it is over.
 * told.exchanges(): the player has another source now. told.changes(): what there is to choose has changed.
 */
export async function makeEngine(video, source, choices, told) {
  if (source.type === HLS_TYPE) {
    const make = await loadHls();
    if (make) return () => make(video, source, choices, told);
  }
  if (source.type === WHEP_TYPE) {
    const { WhepEngine } = await import("./whep.js");
    return () => new WhepEngine(video, source, choices, told);
  }
  const { NativeEngine } = await import("./native.js");
  return () => new NativeEngine(video, source, choices, told);
}
