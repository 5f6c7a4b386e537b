"""The report of a parse run: skipped entries and warnings."""

from collections import Counter

from streaming_system.plugin.skipped_entry import SKIP_REASONS, SkippedEntry, SkipReason


class ParseReport:
    """Collects what a parser skips, and the problems that an organiser should know of."""

    def __init__(self) -> None:
        self.skipped: list[SkippedEntry] = []
        self._warnings: list[str] = []
        self._counts: Counter[str] = Counter()

    @property
    def warnings(self) -> list[str]:
        """The reported problems, each with its number or its place."""
        return self._warnings + [f"{count} {message}" for message, count in self._counts.items()]

    def warn(self, message: str) -> None:
        """Report a problem that an organiser should know of; the import continues."""
        self._warnings.append(message)

    def count(self, message: str) -> None:
        """Report a problem that many entries can have; it becomes one warning with their number.

        :param message: the text after the number: "events have no end".
        """
        self._counts[message] += 1

    def skip(self, reason: SkipReason, location: str, title: str = "", detail: str = "") -> None:
        """Report a skipped entry.

        :param location: position in the feed: "line 812", "item 12".
        """
        if reason not in SKIP_REASONS:
            raise ValueError(f"{reason!r} is not a reason to skip; use one of {SKIP_REASONS}")
        self.skipped.append(
            SkippedEntry(reason=reason, location=location, title=title[:200], detail=detail)
        )
