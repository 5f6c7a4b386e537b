// HLS, played by hls.js.

import { t } from "../words.js";
import { find, keyOf, optionsOf } from "./tracks.js";

// A pause that is shorter is not worth a second start.
const BEHIND_FROM = 8;
// Who has fallen behind by a little comes back by that, which nobody hears.
const CATCH_UP_BY = 1.1;
const FROM_THE_EDGE = 3;
const STEADY_FROM_THE_EDGE = 5;

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

export class HlsEngine {
  constructor(Hls, video, source, choices, told) {
    this.video = video;
    this.source = source;
    this.told = told;
    this.choices = choices;
    this.dataAt = performance.now();
    // The newest playlist, to know it again when it does not go on.
    this.mark = null;
    this.newest = new Map();
    this.soundOnly = null;
    this.mended = false;
    const steady = choices.delay === "steady";
    this.hls = new Hls({
      workerPath: new URL("../vendor/hls/hls.worker.js", import.meta.url).href,
      startFragPrefetch: true,
      capLevelToPlayerSize: true,
      backBufferLength: 120,
      lowLatencyMode: !steady,
      liveSyncDurationCount: steady ? STEADY_FROM_THE_EDGE : FROM_THE_EDGE,
      maxLiveSyncPlaybackRate: CATCH_UP_BY,
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
    this.hls.on(Events.MANIFEST_PARSED, () => queueMicrotask(() => { if (this.hls.media) this.takes(this.choices.quality); }));
    this.hls.on(Events.AUDIO_TRACKS_UPDATED, () => queueMicrotask(() => this.speaks()));
    this.hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => queueMicrotask(() => this.writes()));
    for (const name of [Events.AUDIO_TRACK_SWITCHED, Events.SUBTITLE_TRACK_SWITCH]) this.hls.on(name, () => told.changes());
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
      { id: "auto", label: t("Automatic") },
      ...heights.sort((a, b) => b - a).map((height) => ({ id: String(height), label: `${height}p` })),
      ...(this.soundOnly ? [{ id: "audio", label: t("Audio only") }] : []),
    ];
  }

  pictures() {
    return this.isSoundOnly ? this.remembered : this.hls.levels;
  }

  /** Do what a viewer has chosen; tell whether that goes without beginning anew. */
  choose(name, value) {
    this.choices = { ...this.choices, [name]: value };
    if (name === "quality") this.takes(value);
    else if (name === "language") this.speaks();
    else if (name === "subtitles") this.writes();
    return name !== "delay";
  }

  /** Play a quality as chosen, or the next one below it that there is. */
  takes(id) {
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

  /** Play the sound in the language that is chosen, if there is such a track. */
  speaks() {
    const track = find(this.hls.audioTracks, this.choices.language);
    if (track >= 0 && track !== this.hls.audioTrack) this.hls.audioTrack = track;
    this.told.changes();
  }

  /** Show subtitles if they are wanted, and do not even load them otherwise. */
  writes() {
    const track = find(this.hls.subtitleTracks, this.choices.subtitles);
    this.hls.subtitleDisplay = track >= 0;
    if (track !== this.hls.subtitleTrack) this.hls.subtitleTrack = track;
    this.told.changes();
  }

  tracks() {
    const { audioTracks, audioTrack, subtitleTracks, subtitleTrack } = this.hls;
    const chosen = (tracks, number) => (tracks[number] ? keyOf(tracks[number], tracks) : "");
    return {
      language: { options: optionsOf(audioTracks), chosen: chosen(audioTracks, audioTrack) },
      subtitles: { options: optionsOf(subtitleTracks), chosen: chosen(subtitleTracks, subtitleTrack) },
    };
  }

  /** Seconds between the newest moment that the server has and what is seen; null if nobody knows. */
  latency() {
    return this.hls.latency || null;
  }

  /** Play slower or faster. Nobody catches up while the viewer sets the pace. */
  runs(rate) {
    this.hls.config.maxLiveSyncPlaybackRate = rate === 1 ? CATCH_UP_BY : 1;
    this.video.playbackRate = rate;
  }

  hasPace() {
    return true;
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

