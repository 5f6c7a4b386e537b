"""The intervals of the simulated scripts, players and endpoints, in seconds of the event."""

# live-updates.js: POLL_INTERVAL, and the jitter of pollIn.
POLL_INTERVAL, POLL_JITTER = 5.0, (0.8, 1.2)
# live-updates.js: the delays of scheduleRefetch and refreshInSpread (5 fetches per millisecond).
CHANGE_DELAY, FETCHES_PER_SECOND, MIN_SPREAD, MAX_SPREAD = 1.0, 5000.0, 4.0, 60.0
# playback-reporter.js: the jitter of send().
REPORT_JITTER = (0.9, 1.0)
# playback-supervisor.js: DATA_TIMEOUT and CHECK_INTERVAL.
DATA_TIMEOUT, CHECK_INTERVAL = 4.0, 0.5
# player/hls.js: an unavailable playlist fails at once.
REFUSED_DELAY = 0.2
# The time from the list of endpoints to the first frame.
STARTUP = 0.8
# docs/reference/playback.md: how the tracker calculates the report interval.
TARGET_RATE, MIN_INTERVAL, MAX_INTERVAL = 20.0, 5.0, 60.0
# conf/streaming-agent: the report interval of endpoints.
REGISTER_INTERVAL = 10.0
# The tracker expires an endpoint a minute after its last report, by its own clock.
MAX_REGISTER_INTERVAL = 50.0


def spread(viewers: int) -> float:
    """Return the seconds within which all pages are fetched when talks change."""
    return min(max(viewers / FETCHES_PER_SECOND, MIN_SPREAD), MAX_SPREAD)


def report_interval(viewers: int) -> float:
    """Return the tracker's report interval for players, in seconds."""
    return min(max(viewers / TARGET_RATE, MIN_INTERVAL), MAX_INTERVAL)


def register_interval(second: float) -> float:
    """Return the report interval of endpoints, in seconds of the event.

    :param second: seconds of the event per second of the tracker.
    """
    return min(REGISTER_INTERVAL, MAX_REGISTER_INTERVAL * second)
