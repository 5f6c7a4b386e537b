// The connection's bandwidth before the stream has shown it.

const DEFAULT_BITS_PER_SECOND = 500_000;
// A smaller download measures the latency rather than the bandwidth.
const MIN_BYTES = 50_000;
// The other files of the page share the connection, and the first segment should not stall.
const MARGIN = 0.7;

/** Return the bits per second at which this page's largest file has arrived, or a low value if it was cached. */
export function estimateBandwidth(entries = performance.getEntriesByType("resource")) {
  const largest = entries.filter(({ transferSize }) => transferSize > MIN_BYTES).sort((a, b) => b.transferSize - a.transferSize)[0];
  const megabits = navigator.connection?.downlink;
  if (largest) return (MARGIN * 8 * largest.transferSize) / Math.max(0.001, (largest.responseEnd - largest.responseStart) / 1000);
  return megabits ? MARGIN * 1e6 * megabits : DEFAULT_BITS_PER_SECOND;
}
