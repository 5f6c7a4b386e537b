"""The rows of the table: what they measure, what they compare with, and their goals."""

import statistics
from dataclasses import dataclass, field

BARE_VIEW = "a bare view that returns the same bytes"
BARE_JSON = "a bare view with the same document"
STATIC_FILE = "a static file with these bytes"
INSERT = "a bare view with one INSERT"
DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
SAME_SQL = {"postgresql": "the same SQL in psql", "sqlite": "the same SQL in sqlite3"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A measurement. Its ratio is always ours divided by the other.

    :param at_most: less is better (time, memory) instead of more (responses a second).
    """

    name: str
    what: str
    against: str
    goal: float
    unit: str = "/s"
    at_most: bool = False

    def is_reached(self, ratio: float) -> bool:
        """Whether a ratio reaches the goal."""
        return ratio <= self.goal if self.at_most else ratio >= self.goal


def _build_rows() -> list[Row]:
    direct, nginx = "asked directly", "through conf/nginx.conf"
    rows = [
        Row(name="room", what=f"room page, {direct}", against=BARE_VIEW, goal=0.9),
        Row(name="index", what=f"index with 60 rooms, {direct}", against=BARE_VIEW, goal=0.8),
        Row(name="schedule", what=f"schedule page with 900 events, {direct}", against=BARE_VIEW,
            goal=0.7),
    ]  # fmt: skip
    rows += [
        Row(name=f"nginx-{page}{zipped}", against=STATIC_FILE, goal=0.9,
            what=f"{page} page {nginx}{', gzip' if zipped else ''}")
        for page in ("room", "index", "schedule")
        for zipped in ("", "-gzip")
    ]  # fmt: skip
    rows += [
        Row(name="streams", what=f"streams.json, {direct}", against=BARE_JSON, goal=0.8),
        Row(name="json", what=f"now/next JSON, {direct}", against=BARE_JSON, goal=0.8),
        Row(name="unchanged", what="room page that has not changed (304)",
            against="a bare view that says 304", goal=0.8),
    ]  # fmt: skip
    for kind, name in DATABASES.items():
        rows += [
            Row(name=f"register-{kind}", what=f"registration, committed ({name})", against=INSERT,
                goal=0.8),
            Row(name=f"playback-{kind}", what=f"playback report, committed ({name})",
                against=INSERT, goal=0.8),
        ]  # fmt: skip
    for kind, name in DATABASES.items():
        rows += [
            Row(name=f"graph-2h-{kind}", what=f"graph of 2 h ({name})", goal=0.5,
                against=SAME_SQL[kind]),
            Row(name=f"graph-7d-{kind}", what=f"graph of 7 days ({name})", goal=0.5,
                against=SAME_SQL[kind]),
            Row(name=f"look-ups-{kind}", what=f"look-ups with 7 days of history ({name})",
                against="without history", goal=1.2, unit="ms", at_most=True),
            Row(name=f"look-ups-worst-{kind}", what=f"the slowest to grow of these ({name})",
                against="without history", goal=1.2, unit="ms", at_most=True),
        ]  # fmt: skip
    rows.append(Row(name="import", what="import of a feed with 900 events", goal=3, unit="ms",
                    against="lxml and nh3 alone", at_most=True))  # fmt: skip
    for app in ("frontend", "tracker"):
        rows += [
            Row(name=f"start-{app}", what=f"start of a worker to the first answer, {app}", goal=2,
                against="the bare app", unit="ms", at_most=True),
            Row(name=f"memory-{app}", what=f"memory after 100,000 requests, {app}", goal=1.05,
                against="after 1,000", unit="MB", at_most=True),
            Row(name=f"memory-total-{app}", what=f"memory after 100,000 requests, {app}",
                against="110 MB", goal=1, unit="MB", at_most=True),
        ]  # fmt: skip
    return rows


ROWS = {row.name: row for row in _build_rows()}


def select_rows(only: str) -> list[str]:
    """Return the names of all rows, or of those with one of these names or prefixes.

    :raises ValueError: no row matches.
    """
    if not only:
        return list(ROWS)
    selected: set[str] = set()
    for word in only.split(","):
        matches = {name for name in ROWS if name == word or name.startswith(f"{word}-")}
        if not matches:
            raise ValueError(f"no row is called {word!r}; allowed: {', '.join(ROWS)}")
        selected |= matches
    return [name for name in ROWS if name in selected]


@dataclass(kw_only=True)
class RowResult:
    """The measured values of a row: one per round, of both sides.

    ``cpu_ours`` and ``cpu_other`` are milliseconds of the server's CPU time per response.
    """

    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    cpu_ours: list[float] = field(default_factory=list)
    cpu_other: list[float] = field(default_factory=list)
    note: str = ""

    def summary(self, row: Row) -> dict[str, object]:
        """Return the row's entry of results.json."""
        ours, other = statistics.median(self.ours), statistics.median(self.other)
        ratios = [one / two for one, two in zip(self.ours, self.other, strict=True)]
        ratio = round(ours / other, 3)
        summary: dict[str, object] = {
            "what": row.what, "against": row.against, "unit": row.unit,
            "ours": summarise(self.ours), "other": summarise(self.other),
            "ratio": ratio,
            "spread": [round(min(ratios), 3), round(max(ratios), 3)],
            "goal": row.goal, "better": "less" if row.at_most else "more",
            "reached": row.is_reached(ratio), "rounds": len(ratios),
        }  # fmt: skip
        if self.cpu_ours and all(self.cpu_other):
            summary["cpu_ms"] = {
                "ours": round(statistics.median(self.cpu_ours), 4),
                "other": round(statistics.median(self.cpu_other), 4),
            }
        if self.note:
            summary["note"] = self.note
        return summary


def summarise(values: list[float]) -> dict[str, float]:
    """Return median, minimum and maximum."""
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }
