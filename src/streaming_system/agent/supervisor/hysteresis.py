"""Hysteresis for check results: a state changes after several equal results only."""

from dataclasses import replace

from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, CheckResult

BAD_LEVELS = (1, 2)


class Hysteresis:
    """Debounces check results.

    :param bad_after: consecutive results of at least a level that raise the state to it.
    :param good_after: consecutive better results that lower the state.
    """

    def __init__(self, bad_after: int, good_after: int) -> None:
        self._bad_after, self._good_after = bad_after, good_after
        self.reset(1)

    def reset(self, first_good_after: int | None = None) -> None:
        """Start again with an unknown state.

        :param first_good_after: good results until the first good state; default: ``good_after``.
        """
        self._first_good_after = first_good_after or self._good_after
        self._level: int | None = None
        self._bad_streak = dict.fromkeys(BAD_LEVELS, 0)
        self._good_streak = dict.fromkeys(BAD_LEVELS, 0)
        self._last_results: dict[int, CheckResult] = {}

    def update(self, result: CheckResult) -> CheckResult | None:
        """Record a result; return the debounced state, ``None`` while it is unknown."""
        result_level = MOOD_LEVELS[result.mood]
        self._last_results[result_level] = result
        for level in BAD_LEVELS:
            is_bad = result_level >= level
            self._bad_streak[level] = self._bad_streak[level] + 1 if is_bad else 0
            self._good_streak[level] = 0 if is_bad else self._good_streak[level] + 1
        self._level = self._next_level()
        return None if self._level is None else self._state_of(self._level)

    def _next_level(self) -> int | None:
        reached = (n for n in BAD_LEVELS if self._bad_streak[n] >= self._bad_after)
        bad_level = max(reached, default=0)
        if self._level is None:
            is_good = self._good_streak[1] >= self._first_good_after
            return bad_level or (0 if is_good else None)
        if bad_level > self._level:
            return bad_level
        level = self._level
        while level and self._good_streak[level] >= self._good_after:
            level -= 1
        return level

    def _state_of(self, level: int) -> CheckResult:
        if level in self._last_results:
            return self._last_results[level]
        # Results alternated between levels 0 and 2: report the level between them.
        worse = self._last_results.get(2) or next(iter(self._last_results.values()))
        return replace(worse, mood="hungry")
