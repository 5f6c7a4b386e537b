// Two ways to play a stream: HLS by hls.js, and all that the browser plays by itself. Both have the same methods.

const HLS_TYPE = "application/vnd.apple.mpegurl";
// A pause that is shorter is not worth a second start.
const BEHIND_FROM = 8;

let library;
/** Load hls.js, once; null where the browser cannot use it. */
function loadHls() {
  library ??= import("../vendor/hls/hls.min.mjs").then(
    ({ default: Hls }) => (Hls.isSupported() ? Hls : null),
    () => { library = undefined; return null; },
  );
  return library;
}

/** Tell whether a kind of stream may play here. */
export function canPlay(video, type) {
  const scripted = type === HLS_TYPE && ("MediaSource" in window || "ManagedMediaSource" in window);
  return scripted || video.canPlayType(type) !== "";
}

/**
 * Begin to play a source.
 *
 * told.fails(): it cannot go on. told.jumps(): the encoder has begun anew. told.ends(): it says that it is over.
 * told.exchanges(): the player has another source now. told.changes(): what there is to choose has changed.
 */
export async function makeEngine(video, source, choice, told) {
  if (source.type === HLS_TYPE) {
    const Hls = await loadHls();
    if (Hls) return () => new HlsEngine(Hls, video, source, choice, told);
  }
  return () => new NativeEngine(video, source, told);
}

function policy(retries, milliseconds) {
  return {
    default: {
      maxTimeToFirstByteMs: 4000,
      maxLoadTimeMs: milliseconds,
      timeoutRetry: { maxNumRetry: 1, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: retries, retryDelayMs: 500, maxRetryDelayMs: 1000 },
    },
  };
}

class HlsEngine {
  constructor(Hls, video, source, choice, told) {
    this.video = video;
    this.source = source;
    this.told = told;
    this.choice = choice;
    this.dataAt = performance.now();
    // The newest playlist, to know it again when it does not go on.
    this.mark = null;
    this.newest = new Map();
    this.soundOnly = null;
    this.mended = false;
    this.hls = new Hls({
      workerPath: new URL("../vendor/hls/hls.worker.js", import.meta.url).href,
      startFragPrefetch: true,
      capLevelToPlayerSize: true,
      backBufferLength: 120,
      // The keeper knows other servers, and when to come back.
      manifestLoadPolicy: policy(0, 6000),
      playlistLoadPolicy: policy(2, 6000),
      fragLoadPolicy: policy(3, 20000),
    });
    this.Hls = Hls;
    const { Events } = Hls;
    this.hls.on(Events.ERROR, (_, error) => this.errs(error));
    this.hls.on(Events.MANIFEST_LOADED, (_, { levels }) => this.findSound(levels));
    // Another source must not come while hls.js still tells its own parts of this one.
    this.hls.on(Events.MANIFEST_PARSED, () => queueMicrotask(() => { if (this.hls.media) this.choose(this.choice); }));
    this.hls.on(Events.LEVEL_LOADED, (_, { details }) => this.reads(details));
    this.hls.on(Events.FRAG_LOADED, () => { this.dataAt = performance.now(); });
    this.hls.on(Events.LEVEL_SWITCHED, (_, { level }) => {
      const { height } = this.hls.levels[level];
      video.dataset.quality = this.isSoundOnly ? "audio" : height ? `${height}p` : "";
    });
    this.hls.loadSource(source.url);
    this.hls.attachMedia(video);
  }

  errs({ fatal, type }) {
    if (!fatal) return;
    if (type === this.Hls.ErrorTypes.MEDIA_ERROR && !this.mended) {
      this.mended = true;
      this.hls.recoverMediaError();
    } else {
      this.told.fails();
    }
  }

  /** hls.js forgets renditions without picture where others have one. */
  findSound(levels) {
    if (this.isSoundOnly) return;
    const hasPicture = ({ videoCodec, width }) => Boolean(videoCodec || width);
    const sound = levels.find((level) => !hasPicture(level) && level.audioCodec);
    this.soundOnly = sound && levels.some(hasPicture) ? sound.url : null;
  }

  reads(details) {
    const before = this.newest.get(details.url);
    this.newest.set(details.url, details.endSN);
    this.mark = { url: details.url, text: details.m3u8 };
    if (before !== undefined && details.endSN < before) this.told.jumps();
    else if (!details.live) this.told.ends();
  }

  qualities() {
    const heights = [...new Set(this.pictures().map(({ height }) => height).filter(Boolean))];
    if (heights.length + (this.soundOnly ? 1 : 0) < 2) return [];
    return [
      { id: "auto", label: "Automatic" },
      ...heights.sort((a, b) => b - a).map((height) => ({ id: String(height), label: `${height}p` })),
      ...(this.soundOnly ? [{ id: "audio", label: "Audio only" }] : []),
    ];
  }

  pictures() {
    return this.isSoundOnly ? this.remembered : this.hls.levels;
  }

  /** Play a quality as chosen, or the next one below it that there is. */
  choose(id) {
    this.choice = id;
    const sound = id === "audio" && this.soundOnly !== null;
    if (sound !== Boolean(this.isSoundOnly)) {
      this.remembered = this.pictures().map(({ height }) => ({ height }));
      this.isSoundOnly = sound;
      this.newest.clear();
      this.hls.loadSource(sound ? this.soundOnly : this.source.url);
      // Another source stops the picture.
      this.told.exchanges();
    } else if (!sound) {
      const heights = this.hls.levels.map(({ height }, level) => ({ height, level }));
      const fitting = heights.filter(({ height }) => height <= Number(id)).sort((a, b) => b.height - a.height)[0];
      const level = id === "auto" ? -1 : fitting?.level ?? -1;
      if (this.hls.nextLevel !== level) this.hls.nextLevel = level;
    }
    this.told.changes();
  }

  get chosen() {
    if (this.isSoundOnly) return "audio";
    return this.hls.autoLevelEnabled ? "auto" : String(this.hls.levels[this.hls.manualLevel]?.height);
  }

  behind() {
    const live = this.hls.liveSyncPosition;
    return live === null ? 0 : Math.max(0, live - this.video.currentTime);
  }

  isBehind() {
    return this.behind() > BEHIND_FROM;
  }

  delay() {
    return this.hls.targetLatency ?? 0;
  }

  toLive() {
    const live = this.hls.liveSyncPosition;
    if (live !== null) this.video.currentTime = live;
  }

  rests() {
    this.hls.stopLoad();
  }

  goesOn() {
    this.dataAt = performance.now();
    this.hls.startLoad();
  }

  leave() {
    this.hls.destroy();
  }
}

class NativeEngine {
  constructor(video, source, told) {
    this.video = video;
    this.mark = null;
    this.dataAt = performance.now();
    this.events = new AbortController();
    const on = (name, action) => video.addEventListener(name, action, { signal: this.events.signal });
    on("error", () => told.fails());
    on("ended", () => told.fails());
    on("progress", () => { this.dataAt = performance.now(); });
    video.dataset.quality = source.quality;
    this.url = source.url;
    video.src = source.url;
  }

  qualities() {
    return [];
  }

  /** What the browser lets us seek in, or has loaded. */
  edge() {
    const { seekable, buffered } = this.video;
    const last = seekable.length ? seekable.end(seekable.length - 1) : Infinity;
    if (Number.isFinite(last) && last > 0) return last;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  behind() {
    return Math.max(0, this.edge() - this.video.currentTime);
  }

  isBehind() {
    return this.behind() > 2 * BEHIND_FROM;
  }

  delay() {
    return 0;
  }

  /** Only the beginning of a new answer is live for sure. */
  toLive() {
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  rests() {}

  goesOn() {
    this.dataAt = performance.now();
  }

  leave() {
    this.events.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
