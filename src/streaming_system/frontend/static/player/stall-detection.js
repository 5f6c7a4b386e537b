// Detects that a player makes no progress.

export const CHECK_INTERVAL = 500;
// Playback stalls without data; stalls although data arrives; has not started.
const DATA_TIMEOUT = 4000;
const STALL_TIMEOUT = 8000;
const START_TIMEOUT = 20000;

/** Return "failed" if a supervisor's stream has stalled for too long, "slow" if it may resume, or "". */
export function detectStall({ engine, movedAt, playingSince }, isAtEnd, now = performance.now()) {
  const stalled = now - movedAt;
  const timeout = playingSince === null ? START_TIMEOUT : STALL_TIMEOUT;
  const hasDataTimeout = (engine.hasFreeRunningClock || stalled > DATA_TIMEOUT) && now - engine.lastDataAt > DATA_TIMEOUT;
  if ((isAtEnd && stalled > CHECK_INTERVAL) || stalled > timeout || hasDataTimeout) return "failed";
  return stalled > 2 * CHECK_INTERVAL ? "slow" : "";
}
