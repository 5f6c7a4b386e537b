"""Words for people."""

import logging

log = logging.getLogger(__name__)


def why(error: Exception) -> str:
    """Return the reason of an error alone, in one line."""
    said = " ".join(str(error).split())
    # urllib3 begins with the object that failed.
    if said.startswith(("<", "HTTP")) and ": " in said:
        said = said.partition(": ")[2]
    return said[:200]


class Warnings:
    """Says what is wrong once, and once more when it has been good in between."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def say(self, about: str, line: str) -> None:
        """Warn, unless the last word about this was the same."""
        if self._said.get(about) != line:
            self._said[about] = line
            log.warning("%s: %s", about, line)

    def good(self, about: str) -> None:
        """Note that nothing is wrong any more."""
        if self._said.pop(about, None) is not None:
            log.info("%s: is good again", about)
