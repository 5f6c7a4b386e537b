// The settings of hls.js, and the connection's bandwidth before the stream has shown it.

export const HLS_TYPE = "application/vnd.apple.mpegurl";
// The playback rate that reduces a small delay inaudibly.
export const CATCH_UP_RATE = 1.1;
// The distance to the live edge, in segments.
const LIVE_SYNC_SEGMENTS = 3;
const STEADY_LIVE_SYNC_SEGMENTS = 5;
// Below this bandwidth playback starts with the lowest rendition. hls.js switches up with the next segment.
const SLOW_BITS_PER_SECOND = 3_000_000;
const DEFAULT_BITS_PER_SECOND = 500_000;
// A smaller download measures the latency rather than the bandwidth.
const MIN_BYTES = 50_000;
// The other files of the page share the connection, and the first segment should not stall.
const MARGIN = 0.7;

// CEA-608 and CEA-708: the names of the channels that the playlist does not name.
const EMBEDDED_CAPTIONS = {
  enableCEA708Captions: true,
  ...Object.fromEntries([1, 2, 3, 4].flatMap((number) => [
    [`captionsTextTrack${number}Label`, `CC${number}`],
    [`captionsTextTrack${number}LanguageCode`, ""],
  ])),
};

function loadPolicy(retries, timeout) {
  return {
    default: {
      maxTimeToFirstByteMs: 4000,
      maxLoadTimeMs: timeout,
      timeoutRetry: { maxNumRetry: 1, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: retries, retryDelayMs: 500, maxRetryDelayMs: 1000 },
    },
  };
}

/** Return the bits per second at which this page's largest file has arrived, or a low value if it was cached. */
function estimateBandwidth(entries = performance.getEntriesByType("resource")) {
  const largest = entries.filter(({ transferSize }) => transferSize > MIN_BYTES).sort((a, b) => b.transferSize - a.transferSize)[0];
  const megabits = navigator.connection?.downlink;
  if (largest) return (MARGIN * 8 * largest.transferSize) / Math.max(0.001, (largest.responseEnd - largest.responseStart) / 1000);
  return megabits ? MARGIN * 1e6 * megabits : DEFAULT_BITS_PER_SECOND;
}

/** Return the settings of hls.js for the viewer's preferences and connection. */
export function hlsSettings({ delay }, startPosition = -1) {
  const isSteady = delay === "steady";
  const bandwidth = estimateBandwidth();
  return {
    // A worker delays the first frame by the time that its 118 kB need to load and start; to transmux a segment takes a few milliseconds.
    enableWorker: false,
    startFragPrefetch: true,
    // The test downloads a segment, and drops it.
    testBandwidth: false,
    abrEwmaDefaultEstimate: bandwidth,
    startLevel: bandwidth < SLOW_BITS_PER_SECOND ? 0 : undefined,
    capLevelToPlayerSize: true,
    backBufferLength: 120,
    lowLatencyMode: !isSteady,
    liveSyncDurationCount: isSteady ? STEADY_LIVE_SYNC_SEGMENTS : LIVE_SYNC_SEGMENTS,
    maxLiveSyncPlaybackRate: CATCH_UP_RATE,
    // -1: hls.js starts at the live edge.
    startPosition,
    // The supervisor handles longer failures: it knows the other endpoints.
    manifestLoadPolicy: loadPolicy(0, 6000),
    playlistLoadPolicy: loadPolicy(2, 6000),
    fragLoadPolicy: loadPolicy(3, 20000),
    ...EMBEDDED_CAPTIONS,
  };
}

/** Return the index of the level of a quality, or of the next lower one that exists; -1 for the automatic choice. */
export function findLevel(levels, quality) {
  const heights = levels.map(({ height }, level) => ({ height, level }));
  const fitting = heights.filter(({ height }) => height <= Number(quality)).sort((a, b) => b.height - a.height)[0];
  return quality === "auto" ? -1 : fitting?.level ?? -1;
}
