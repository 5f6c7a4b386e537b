"""What is wrong with a configuration: each finding is one line with file, line and key."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streaming_system.util.json_syntax import Position

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One problem.

    :param message: what is wrong, and what to do.
    :param subject: the section and key, such as ``room 'hall': key 'title'``; "" for a whole file.
    :param file: ``None`` if the problem is in no file.
    :param position: ``None`` for a whole file.
    :param severity: :data:`ERROR` (the site cannot work as configured) or :data:`WARNING`.
    """

    message: str
    subject: str = ""
    file: Path | None = None
    position: Position | None = None
    severity: str = ERROR

    @property
    def place(self) -> str:
        """The file, line and column, as editors read them."""
        position = f":{self.position.line}:{self.position.column}" if self.position else ""
        return f"{self.file or ''}{position}"

    def __str__(self) -> str:
        parts = filter(None, (self.place, self.subject, self.message))
        return " ".join(": ".join(parts).split())


def errors_of(findings: Iterable[Finding]) -> list[str]:
    """Return the lines of the errors."""
    return [str(finding) for finding in findings if finding.severity == ERROR]


def warnings_of(findings: Iterable[Finding]) -> list[str]:
    """Return the lines of the warnings."""
    return [str(finding) for finding in findings if finding.severity == WARNING]
