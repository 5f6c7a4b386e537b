"""The rows of the table: what is measured, against what, and what is to be reached."""

import statistics
from dataclasses import dataclass, field

BARE_VIEW = "a bare view that returns the same bytes"
BARE_JSON = "a bare view with the same document"
STATIC = "a static file with these bytes"
INSERT = "a bare view with one INSERT"
KINDS = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
SAME_SQL = {"postgresql": "the same SQL in psql", "sqlite": "the same SQL in sqlite3"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is measured: the ratio is always ours over the other.

    :param at_most: whether less is better (time, memory), and not more (answers a second).
    """

    name: str
    what: str
    against: str
    goal: float
    unit: str = "/s"
    at_most: bool = False

    def reached(self, ratio: float) -> bool:
        """Return whether a ratio is what is to be reached."""
        return ratio <= self.goal if self.at_most else ratio >= self.goal


def _rows() -> list[Row]:
    direct, nginx = "asked directly", "through conf/nginx.conf"
    rows = [
        Row(name="room", what=f"room page, {direct}", against=BARE_VIEW, goal=0.9),
        Row(name="index", what=f"index with 60 rooms, {direct}", against=BARE_VIEW, goal=0.8),
        Row(name="schedule", what=f"schedule page with 900 events, {direct}", against=BARE_VIEW,
            goal=0.7),
    ]  # fmt: skip
    rows += [
        Row(name=f"nginx-{page}{zipped}", against=STATIC, goal=0.9,
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
    for kind, name in KINDS.items():
        rows += [
            Row(name=f"register-{kind}", what=f"registration, committed ({name})", against=INSERT,
                goal=0.8),
            Row(name=f"playback-{kind}", what=f"playback report, committed ({name})",
                against=INSERT, goal=0.8),
        ]  # fmt: skip
    for kind, name in KINDS.items():
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


ROWS = {row.name: row for row in _rows()}


def chosen(only: str) -> list[str]:
    """Return the names of rows: all of them, or those that begin with one of these words.

    :raises ValueError: if a word is no row's.
    """
    if not only:
        return list(ROWS)
    found: set[str] = set()
    for word in only.split(","):
        these = {name for name in ROWS if name == word or name.startswith(f"{word}-")}
        if not these:
            raise ValueError(f"no row is called {word!r}; there are: {', '.join(ROWS)}")
        found |= these
    return [name for name in ROWS if name in found]


@dataclass(kw_only=True)
class Found:
    """What was measured of a row: one figure a round, of both sides.

    :param cpu: milliseconds of processor time that an answer took the server, a round each.
    """

    ours: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    cpu_ours: list[float] = field(default_factory=list)
    cpu_other: list[float] = field(default_factory=list)
    note: str = ""

    def summary(self, row: Row) -> dict[str, object]:
        """Return what results.json says of it."""
        ours, other = statistics.median(self.ours), statistics.median(self.other)
        ratios = [one / two for one, two in zip(self.ours, self.other, strict=True)]
        ratio = round(ours / other, 3)
        said: dict[str, object] = {
            "what": row.what, "against": row.against, "unit": row.unit,
            "ours": side(self.ours), "other": side(self.other),
            "ratio": ratio,
            "spread": [round(min(ratios), 3), round(max(ratios), 3)],
            "goal": row.goal, "better": "less" if row.at_most else "more",
            "reached": row.reached(ratio), "rounds": len(ratios),
        }  # fmt: skip
        if self.cpu_ours and all(self.cpu_other):
            said["cpu_ms"] = {
                "ours": round(statistics.median(self.cpu_ours), 4),
                "other": round(statistics.median(self.cpu_other), 4),
            }
        if self.note:
            said["note"] = self.note
        return said


def side(figures: list[float]) -> dict[str, float]:
    """Return the median of some figures, the least and the most."""
    return {
        "median": round(statistics.median(figures), 3),
        "least": round(min(figures), 3),
        "most": round(max(figures), 3),
    }
