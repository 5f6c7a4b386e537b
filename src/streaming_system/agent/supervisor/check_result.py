"""The result of a check, and the protocol of checks."""

from dataclasses import dataclass
from typing import Protocol

# Severity of each mood that a check can return.
MOOD_LEVELS = {"happy": 0, "waking": 1, "hungry": 1, "sad": 2}
SLEEPING = "sleeping"
# Details are public.
MAX_DETAIL_CHARS = 120


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The state of a component, in Flumotion's moods.

    :param mood: ``happy``; ``hungry``: degraded; ``waking``: starting; ``sad``: failed;
        ``sleeping``: switched off.
    :param restart_may_help: whether a restart could fix the problem.
    :param condition: a fault that the tracker knows, such as ``black``; "" for none of these.
    :param episode: another number means that the condition has begun again.
    """

    mood: str
    detail: str = ""
    restart_may_help: bool = True
    condition: str = ""
    episode: int = 0


class Check(Protocol):
    """Checks one component. It may hold state to detect progress between calls."""

    def __call__(self, timeout: float) -> CheckResult | None:
        """Return the state of the component; ``None`` if this check needs another call.

        :param timeout: in seconds.
        """


def happy(detail: str = "") -> CheckResult:
    """Return the result for a healthy component."""
    return CheckResult(mood="happy", detail=detail)


def hungry(detail: str, condition: str = "", episode: int = 0) -> CheckResult:
    """Return the result for a degraded component."""
    return CheckResult(mood="hungry", detail=detail, condition=condition, episode=episode)


def sad(detail: str) -> CheckResult:
    """Return the result for a failed component."""
    return CheckResult(mood="sad", detail=detail)


def check_error(detail: str) -> CheckResult:
    """Return the result for a check that cannot run; the operator has to fix it."""
    return CheckResult(mood="sad", detail=f"cannot be checked: {detail}", restart_may_help=False)
