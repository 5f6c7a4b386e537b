"""What a check says."""

from dataclasses import dataclass
from typing import Protocol

# How bad each word is: a part is what has been found so often in a row.
MOOD_LEVELS = {"happy": 0, "waking": 1, "hungry": 1, "sad": 2}
SLEEPING = "sleeping"
# Anybody may read details.
MAX_DETAIL_CHARS = 120


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """How a part of the pipeline was found, in Flumotion's words.

    :param mood: ``happy``; ``hungry``: it works, but not as it should; ``waking``: it is starting;
        ``sad``: it has failed; ``sleeping``: somebody has switched it off.
    :param curable: whether starting it anew could help.
    """

    mood: str
    detail: str = ""
    curable: bool = True


class Check(Protocol):
    """Looks at one part. It may keep what it needs to see whether something moves."""

    def __call__(self, within: float) -> CheckResult | None:
        """Return how it is; ``None`` where one look does not tell.

        :param within: how many seconds it has.
        """


def happy(detail: str = "") -> CheckResult:
    """Return that all is well."""
    return CheckResult(mood="happy", detail=detail)


def hungry(detail: str) -> CheckResult:
    """Return that it works, but not as it should."""
    return CheckResult(mood="hungry", detail=detail)


def sad(detail: str) -> CheckResult:
    """Return that it has failed."""
    return CheckResult(mood="sad", detail=detail)


def check_error(detail: str) -> CheckResult:
    """Return that it cannot be looked at, which somebody has to mend."""
    return CheckResult(mood="sad", detail=f"cannot be checked: {detail}", curable=False)
