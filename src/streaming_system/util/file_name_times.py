"""Patterns of file names with the time at which a recording starts, as ``strftime`` writes it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from streaming_system.util.foreign_json import MAX_YEAR, MIN_YEAR

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Directive, name of the group, pattern of the value.
_DIRECTIVES = {
    "Y": ("year", r"\d{4}"),
    "y": ("short_year", r"\d{2}"),
    "m": ("month", r"\d{2}"),
    "b": ("month_name", "|".join(_MONTHS)),
    "d": ("day", r"\d{2}"),
    "H": ("hour", r"\d{2}"),
    "M": ("minute", r"\d{2}"),
    "S": ("second", r"\d{2}"),
    "f": ("microsecond", r"\d{1,6}"),
    "s": ("epoch", r"\d{1,11}"),
    "z": ("offset", r"[+-]\d{2}:?\d{2}|Z"),
}
_SHORTHANDS = {"F": "%Y-%m-%d", "T": "%H:%M:%S"}
_DATE = ({"year", "short_year"}, {"month", "month_name"}, {"day"}, {"hour"}, {"minute"})
_PART = re.compile(r"%(.)|([^%]+)|(%)", re.DOTALL)


@dataclass(frozen=True)
class FileNamePattern:
    """A file name with the directives of ``strftime``: %Y %y %m %b %d %H %M %S %f %F %T %z and %s.

    :param text: such as ``hall-%Y-%m-%d_%H-%M-%S.mp4``. Without ``%z`` and ``%s``, the time is in
        the zone that :meth:`parse_start` gets.
    """

    text: str

    def validate(self) -> None:
        """Check the pattern.

        :raises ValueError: with one line: an unknown directive, or a time without a part.
        """
        groups = self._compiled.groupindex
        if "epoch" not in groups and not all(part & set(groups) for part in _DATE):
            raise ValueError(
                "has no time in it; allowed: a file name with %Y, %m, %d, %H and %M, or with %s, "
                "such as hall-%Y-%m-%d_%H-%M-%S.mp4"
            )

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        text = re.sub("%([FT])", lambda match: _SHORTHANDS[match[1]], self.text)
        used: set[str] = set()
        pattern = ""
        for directive, literal, _ in _PART.findall(text):
            if literal:
                pattern += re.escape(literal)
            elif directive == "%":
                pattern += "%"
            elif directive not in _DIRECTIVES:
                known = " ".join(f"%{name}" for name in (*_DIRECTIVES, *_SHORTHANDS))
                raise ValueError(f"has the unknown part %{directive}; allowed: {known} and %%")
            else:
                name, value = _DIRECTIVES[directive]
                if name in used:
                    raise ValueError(f"has %{directive} twice")
                used.add(name)
                pattern += f"(?P<{name}>{value})"
        return re.compile(pattern, re.IGNORECASE | re.ASCII)

    def parse_start(
        self, name: str, zone: ZoneInfo, *, latest: datetime | None = None
    ) -> datetime | None:
        """Return the time in a file name (UTC); ``None`` if it does not match, or has no such time.

        :param zone: of times without offset.
        :param latest: the end of the recording. It decides which of the two hours is meant when
            clocks go back: the last one that is not later.
        """
        match = self._compiled.fullmatch(name)
        if match is None:
            return None
        values = {key: text for key, text in match.groupdict().items() if text}
        try:
            start = _build_time(values, zone, latest)
        except (ValueError, OverflowError):
            return None
        return start if MIN_YEAR <= start.year <= MAX_YEAR else None


def _build_time(values: dict[str, str], zone: ZoneInfo, latest: datetime | None) -> datetime:
    if "epoch" in values:
        return datetime.fromtimestamp(int(values["epoch"]), UTC)
    month = values.get("month_name", "").lower()
    local = datetime(
        year=int(values["year"]) if "year" in values else 2000 + int(values["short_year"]),
        month=_MONTHS.index(month) + 1 if month else int(values["month"]),
        day=int(values["day"]),
        hour=int(values["hour"]),
        minute=int(values["minute"]),
        second=int(values.get("second", 0)),
        microsecond=int(values.get("microsecond", "0").ljust(6, "0")),
        tzinfo=zone,
    )
    if "offset" in values:
        without_zone = local.replace(tzinfo=None).isoformat()
        return datetime.fromisoformat(f"{without_zone}{values['offset']}").astimezone(UTC)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # In the hour that clocks skip, the second is the earlier one: such a name is an error.
    is_repeated = timedelta() < second - first
    return second if is_repeated and latest is not None and second <= latest else first
