// The engines that play streams; only the required one is loaded. All have the methods of native.js.

import { dropEarlyStream } from "./early-stream.js";
import { HLS_TYPE } from "./hls-settings.js";

const WHEP_TYPE = "application/sdp";

let library;
/** Load hls.js once; return null if the browser does not support it. */
function loadHls() {
  library ??= Promise.all([import("../vendor/hls/hls.min.mjs"), import("./hls.js")]).then(
    ([{ default: Hls }, { HlsEngine }]) => (Hls.isSupported() ? (...args) => new HlsEngine(Hls, ...args) : null),
    () => { library = undefined; return null; },
  );
  return library;
}

/** Whether this browser may be able to play a MIME type. */
export function canPlay(video, type) {
  if (type === WHEP_TYPE) return "RTCPeerConnection" in window;
  const hasMediaSource = type === HLS_TYPE && ("MediaSource" in window || "ManagedMediaSource" in window);
  return hasMediaSource || video.canPlayType(type) !== "";
}

/**
 * Return a function that creates the engine of a source, which starts to load it.
 *
 * The callbacks: onFail (playback is impossible), onDecodeError (the data are damaged), onDiscontinuity (playback has to start again), onEnd (the playlist has
 * ended), onSourceChange (the engine has changed the source of the video), onOptionsChange (the menus have changed).
 */
export async function makeEngine(video, source, preferences, callbacks) {
  if (source.type === HLS_TYPE) {
    const make = await loadHls();
    if (make) return () => make(video, source, preferences, callbacks);
  }
  if (source.type === WHEP_TYPE) {
    const { WhepEngine } = await import("./whep.js");
    return () => startOther(WhepEngine, video, source, preferences, callbacks);
  }
  const { NativeEngine } = await import("./native.js");
  return () => startOther(NativeEngine, video, source, preferences, callbacks);
}

/** Create an engine that cannot take over the early stream. */
function startOther(Engine, ...args) {
  dropEarlyStream();
  return new Engine(...args);
}
