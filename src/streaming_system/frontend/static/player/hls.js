// HLS, played by hls.js.

import { t } from "../i18n.js";
import { takeEarlyStream } from "./early-stream.js";
import { CATCH_UP_RATE, findLevel, hlsSettings } from "./hls-settings.js";
import { embeddedTracks, findTrack, keyOf, optionsOf, showOnly } from "./tracks.js";

// From this delay on the viewer gets a button back to live.
const BEHIND_THRESHOLD_SECONDS = 8;

export class HlsEngine {
  constructor(Hls, video, source, preferences, callbacks) {
    this.video = video;
    this.source = source;
    this.callbacks = callbacks;
    this.preferences = preferences;
    this.lastDataAt = performance.now();
    // The newest playlist, which shows later whether a stopped stream has continued.
    this.playlist = null;
    this.lastSegments = new Map();
    this.audioOnlyUrl = null;
    this.hasRecovered = false;
    const early = takeEarlyStream(video, source.url);
    this.hls = early?.hls ?? new Hls(hlsSettings(preferences, source.startPosition));
    this.Hls = Hls;
    this.listen();
    this.listeners = new AbortController();
    // A channel of embedded captions has begun.
    video.textTracks.addEventListener("addtrack", () => this.selectSubtitles(), { signal: this.listeners.signal });
    if (early) {
      queueMicrotask(() => this.takeOver(early));
    } else {
      this.hls.loadSource(source.url);
      this.hls.attachMedia(video);
    }
  }

  listen() {
    const { Events } = this.Hls;
    this.handlers = {
      [Events.ERROR]: (error) => this.onError(error),
      [Events.MANIFEST_LOADED]: ({ levels }) => this.findAudioOnly(levels),
      // A microtask: the source must not change while hls.js dispatches the event to its own components.
      [Events.MANIFEST_PARSED]: () => queueMicrotask(() => { if (this.hls.media) this.selectQuality(this.preferences.quality); }),
      [Events.AUDIO_TRACKS_UPDATED]: () => queueMicrotask(() => this.selectAudio()),
      [Events.SUBTITLE_TRACKS_UPDATED]: () => queueMicrotask(() => this.selectSubtitles()),
      [Events.AUDIO_TRACK_SWITCHED]: () => this.callbacks.onOptionsChange(),
      [Events.SUBTITLE_TRACK_SWITCH]: () => this.callbacks.onOptionsChange(),
      [Events.LEVEL_LOADED]: ({ details }) => this.onPlaylist(details),
      [Events.FRAG_LOADED]: () => { this.lastDataAt = performance.now(); },
      [Events.LEVEL_SWITCHED]: ({ level }) => this.onLevel(level),
    };
    for (const [name, handler] of Object.entries(this.handlers)) this.hls.on(name, (_, data) => handler(data));
  }

  /** Catch up on the events of the early stream. */
  takeOver({ events }) {
    if (!this.hls.media) return;
    for (const [name, data] of events) this.handlers[name](data);
    this.selectAudio();
    this.selectSubtitles();
  }

  onLevel(level) {
    const { height } = this.hls.levels[level];
    this.video.dataset.quality = this.isAudioOnly ? "audio" : height ? `${height}p` : "";
  }

  onError({ fatal, type }) {
    if (!fatal) return;
    if (type === this.Hls.ErrorTypes.MEDIA_ERROR && !this.hasRecovered) {
      this.hasRecovered = true;
      this.hls.recoverMediaError();
    } else if (type === this.Hls.ErrorTypes.MEDIA_ERROR) {
      this.callbacks.onDecodeError();
    } else {
      this.callbacks.onFail();
    }
  }

  /** Store the audio-only rendition, which hls.js drops if others have video. */
  findAudioOnly(levels) {
    if (this.isAudioOnly) return;
    const hasVideo = ({ videoCodec, width }) => Boolean(videoCodec || width);
    const audioOnly = levels.find((level) => !hasVideo(level) && level.audioCodec);
    this.audioOnlyUrl = audioOnly && levels.some(hasVideo) ? audioOnly.url : null;
    this.audioBitrate = audioOnly?.bitrate ?? 0;
  }

  hasAudioOnly() {
    return this.audioOnlyUrl !== null;
  }

  /** Return the bits per second that the stream without its picture takes less than the current quality, or the one before. */
  audioOnlySavings() {
    const { levels, loadLevel } = this.hls;
    if (!this.isAudioOnly && levels[loadLevel]) this.videoBitrate = levels[loadLevel].bitrate;
    return Math.max(0, (this.videoBitrate ?? 0) - this.audioBitrate);
  }

  onPlaylist(details) {
    const before = this.lastSegments.get(details.url);
    this.lastSegments.set(details.url, details.endSN);
    this.playlist = { url: details.url, text: details.m3u8 };
    if (before !== undefined && details.endSN < before) this.callbacks.onDiscontinuity();
    else if (!details.live) this.callbacks.onEnd();
  }

  qualities() {
    const heights = [...new Set(this.levels().map(({ height }) => height).filter(Boolean))];
    if (heights.length + (this.audioOnlyUrl ? 1 : 0) < 2) return [];
    return [
      { id: "auto", label: t("Automatic") },
      ...heights.sort((a, b) => b - a).map((height) => ({ id: String(height), label: `${height}p` })),
      ...(this.audioOnlyUrl ? [{ id: "audio", label: t("Audio only") }] : []),
    ];
  }

  levels() {
    return this.isAudioOnly ? this.videoLevels : this.hls.levels;
  }

  /** Apply a preference; return false if it requires a new engine. */
  choose(name, value) {
    this.preferences = { ...this.preferences, [name]: value };
    if (name === "quality") this.selectQuality(value);
    else if (name === "language") this.selectAudio();
    else if (name === "subtitles") this.selectSubtitles();
    return name !== "delay";
  }

  /** Play a quality, or the next lower one that exists. */
  selectQuality(id) {
    const isAudioOnly = id === "audio" && this.audioOnlyUrl !== null;
    if (isAudioOnly !== Boolean(this.isAudioOnly)) {
      this.videoLevels = this.levels().map(({ height }) => ({ height }));
      this.isAudioOnly = isAudioOnly;
      this.lastSegments.clear();
      this.hls.loadSource(isAudioOnly ? this.audioOnlyUrl : this.source.url);
      // A new source pauses the video.
      this.callbacks.onSourceChange();
    } else if (!isAudioOnly) {
      const level = findLevel(this.hls.levels, id);
      if (this.hls.nextLevel !== level) this.hls.nextLevel = level;
    }
    this.callbacks.onOptionsChange();
  }

  get chosen() {
    if (this.isAudioOnly) return "audio";
    return this.hls.autoLevelEnabled ? "auto" : String(this.hls.levels[this.hls.manualLevel]?.height);
  }

  /** Select the audio track of the preferred language, if there is one. */
  selectAudio() {
    const track = findTrack(this.hls.audioTracks, this.preferences.language);
    if (track >= 0 && track !== this.hls.audioTrack) this.hls.audioTrack = track;
    this.callbacks.onOptionsChange();
  }

  /** Show the preferred subtitles; without a preference none are loaded. */
  selectSubtitles() {
    const { subtitleTracks } = this.hls;
    const embedded = embeddedTracks(this.video, subtitleTracks);
    const number = findTrack([...subtitleTracks, ...embedded], this.preferences.subtitles);
    const track = number < subtitleTracks.length ? number : -1;
    this.hls.subtitleDisplay = track >= 0;
    if (track !== this.hls.subtitleTrack) this.hls.subtitleTrack = track;
    showOnly(embedded, embedded[number - subtitleTracks.length]);
    this.callbacks.onOptionsChange();
  }

  tracks() {
    const { audioTracks, audioTrack, subtitleTracks, subtitleTrack } = this.hls;
    const subtitles = [...subtitleTracks, ...embeddedTracks(this.video, subtitleTracks)];
    const shown = subtitles[subtitleTrack] ?? subtitles.find(({ mode }) => mode === "showing");
    const chosen = (track, tracks) => (track ? keyOf(track, tracks) : "");
    return {
      language: { options: optionsOf(audioTracks), chosen: chosen(audioTracks[audioTrack], audioTracks) },
      subtitles: { options: optionsOf(subtitles), chosen: chosen(shown, subtitles) },
    };
  }

  /** Return the seconds behind live; null if unknown. */
  latency() {
    return this.hls.latency || null;
  }

  /** Return the seconds between a position and its time since 1970, by the playlist; null if unknown. */
  clockOffset() {
    const date = this.hls.playingDate;
    return date ? date.getTime() / 1000 - this.video.currentTime : null;
  }

  /** Set the playback rate. A rate other than 1 disables catching up. */
  setRate(rate) {
    this.hls.config.maxLiveSyncPlaybackRate = rate === 1 ? CATCH_UP_RATE : 1;
    this.video.playbackRate = rate;
  }

  canSetRate() {
    return true;
  }

  secondsBehind() {
    const live = this.hls.liveSyncPosition;
    return live === null ? 0 : Math.max(0, live - this.video.currentTime);
  }

  isBehind() {
    return this.secondsBehind() > BEHIND_THRESHOLD_SECONDS;
  }

  targetDelay() {
    return this.hls.targetLatency ?? 0;
  }

  seekToLive() {
    const live = this.hls.liveSyncPosition;
    if (live !== null) this.video.currentTime = live;
  }

  suspend() {
    this.hls.stopLoad();
  }

  resume() {
    this.lastDataAt = performance.now();
    this.hls.startLoad();
  }

  destroy() {
    this.listeners.abort();
    this.hls.destroy();
  }
}
