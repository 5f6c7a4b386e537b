"""Keeps moods from flapping."""

from dataclasses import replace

from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, CheckResult


class Hysteresis:
    """Believes what is found so often in a row.

    :param bad_after: so many verdicts at least as bad make it as bad.
    :param good_after: so many better ones make it better.
    """

    def __init__(self, bad_after: int, good_after: int) -> None:
        self._bad_after, self._good_after = bad_after, good_after
        self.begin(1)

    def begin(self, good: int | None = None) -> None:
        """Begin anew, with something that is starting.

        :param good: so many good verdicts make it well; as many as ever if not given.
        """
        self._first = self._good_after if good is None else good
        self._level: int | None = None
        self._as_bad = {1: 0, 2: 0}
        self._better = {1: 0, 2: 0}
        self._last: dict[int, CheckResult] = {}

    def take(self, verdict: CheckResult) -> CheckResult | None:
        """Take what was found; return how it is, or ``None`` while that is not known."""
        found = MOOD_LEVELS[verdict.mood]
        self._last[found] = verdict
        for level in (1, 2):
            worse = found >= level
            self._as_bad[level] = self._as_bad[level] + 1 if worse else 0
            self._better[level] = 0 if worse else self._better[level] + 1
        self._level = self._now(verdict)
        return None if self._level is None else self._shown(self._level)

    def _now(self, verdict: CheckResult) -> int | None:
        bad = max((level for level in (1, 2) if self._as_bad[level] >= self._bad_after), default=0)
        if self._level is None:
            good = self._better[1] >= self._first
            return bad or (0 if good else None)
        if bad > self._level:
            return bad
        level = self._level
        while level and self._better[level] >= self._good_after:
            level -= 1
        return level

    def _shown(self, level: int) -> CheckResult:
        if level in self._last:
            return self._last[level]
        # Sometimes worse and never just so: what it was is between the two.
        worse = self._last.get(2) or next(iter(self._last.values()))
        return replace(worse, mood="hungry")
