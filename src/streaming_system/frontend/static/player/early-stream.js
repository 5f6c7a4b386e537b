// The stream that plays before the page's other scripts are loaded. The player takes it over.

import { findLevel, hlsSettings } from "./hls-settings.js";
import { loadPreferences } from "./preferences.js";

// If there is no frame after this time, the page's other scripts start: the player knows the other endpoints.
const MAX_WAIT = 4000;

let current = null;

/** Whether a stream starts by itself: not on a metered connection, with reduced motion, or where the stage waits for the viewer. */
export function isAutoplayAllowed(stage = null) {
  return !(stage?.hasAttribute("data-waits") || navigator.connection?.saveData || matchMedia("(prefers-reduced-motion: reduce)").matches);
}

/** Whether the page's first stream suits the viewer's preferences; other streams are in the tracker's list. */
export function prefersMainStream({ quality, delay }) {
  return /^(auto|audio|\d+)$/.test(quality) && delay !== "lowest";
}

/** Play a video, without sound if the browser blocks autoplay with sound; return false if it blocks both. */
export async function autoplay(video, onMute) {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return true;
    if (video.muted) return false;
    onMute();
    video.muted = true;
    return autoplay(video, onMute);
  }
  return true;
}

/** Play the page's stream at a URL. Finish when its first frame is visible, or when there is nothing to wait for. */
export async function startEarlyStream(url) {
  const preferences = loadPreferences();
  if (document.hidden || !isAutoplayAllowed()) return;
  // The player selects other renditions and languages.
  if (!prefersMainStream(preferences) || preferences.quality === "audio" || preferences.language || preferences.subtitles) return;
  const found = findVideo();
  // The player has its own controls; the browser would load icons for its.
  found.then((video) => { if (video) video.controls = false; });
  const { default: Hls } = await import("../vendor/hls/hls.min.mjs").catch(() => ({}));
  if (!Hls?.isSupported()) return;
  const stream = (current = new EarlyStream(Hls, url, preferences));
  const video = await found;
  if (video?.querySelector("source")?.src !== url) dropEarlyStream();
  else if (current === stream) stream.attach(video, preferences);
  await stream.firstFrame;
}

/** Return the video of the page, which may still be loading; null without one. */
async function findVideo() {
  const find = () => document.querySelector(".stage video[data-playback]");
  if (document.readyState !== "loading" || find()) return find();
  let observer;
  await new Promise((resolve) => {
    observer = new MutationObserver(() => { if (find()) resolve(); });
    observer.observe(document, { childList: true, subtree: true });
    document.addEventListener("DOMContentLoaded", resolve, { once: true });
  });
  observer.disconnect();
  return find();
}

class EarlyStream {
  constructor(Hls, url, { quality, ...preferences }) {
    Object.assign(this, { url, isAutoMuted: false, video: null });
    // The last event of each kind, for the engine that takes over.
    this.events = new Map();
    this.hls = new Hls(hlsSettings(preferences));
    const { ERROR, LEVEL_LOADED, LEVEL_SWITCHED, MANIFEST_LOADED, MANIFEST_PARSED, SUBTITLE_TRACKS_UPDATED } = Hls.Events;
    // Without a preference no subtitles are loaded.
    this.hls.on(SUBTITLE_TRACKS_UPDATED, () => queueMicrotask(() => { if (current === this) this.hls.subtitleTrack = -1; }));
    for (const name of [LEVEL_LOADED, LEVEL_SWITCHED, MANIFEST_LOADED]) this.hls.on(name, (_, data) => this.events.set(name, data));
    // A microtask: the level must not change while hls.js dispatches the event to its own components.
    this.hls.on(MANIFEST_PARSED, () => queueMicrotask(() => this.selectLevel(findLevel(this.hls.levels, quality))));
    this.hls.on(ERROR, (_, { fatal }) => { if (fatal && current === this) dropEarlyStream(); });
    this.firstFrame = new Promise((resolve) => {
      this.endWait = resolve;
      setTimeout(resolve, MAX_WAIT);
    });
    this.hls.loadSource(url);
  }

  attach(video, { volume, muted }) {
    this.video = video;
    const { format, quality } = video.querySelector("source").dataset;
    Object.assign(video, { volume, muted });
    Object.assign(video.dataset, { format, quality, requestedAt: performance.now() });
    document.addEventListener("content-replaced", () => { if (current === this && !video.isConnected) dropEarlyStream(); });
    video.addEventListener("playing", () => { video.dataset.playingAt = performance.now(); }, { once: true });
    video.requestVideoFrameCallback?.(this.endWait);
    // A stream of sound alone has no frame.
    video.addEventListener("timeupdate", () => { if (video.currentTime > 0) this.endWait(); });
    this.hls.attachMedia(video);
    this.play();
  }

  async play() {
    if (!(await autoplay(this.video, () => { this.isAutoMuted = true; }))) this.endWait();
  }

  selectLevel(level) {
    if (current === this && level >= 0) this.hls.nextLevel = level;
  }
}

/** Return the early stream of a video, or null. */
export function earlyStreamOf(video) {
  return video && current?.video === video ? current : null;
}

/** Hand over the early stream of a video; null if it has none at this URL. */
export function takeEarlyStream(video, url) {
  const stream = earlyStreamOf(video);
  if (stream === null || stream.url !== url) {
    dropEarlyStream();
    return null;
  }
  current = null;
  return stream;
}

/** End the early stream, if there is one. */
export function dropEarlyStream() {
  const stream = current;
  current = null;
  stream?.endWait();
  stream?.hls.destroy();
}
