"""What Flumotion's logger posts: a form, and in it JSON of moods."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import colander

from streaming_system.tracker.pipeline.pipeline import (
    MAX_COMPONENTS,
    MAX_HISTORY_ENTRIES,
    MAX_NAME_CHARS,
    MOODS,
    ComponentState,
    Mood,
)

MAX_UNIX_TIME = 2**32  # The year 2106, in Unix time.
MAX_AGE_SECONDS = 10 * 366 * 86400
# Reports are sent every few seconds; a larger difference is the clock, not the way.
MAX_CLOCK_SKEW = timedelta(seconds=60)


class InvalidReportError(ValueError):
    """A report that is refused: the field, and one line that says what is wrong with it."""

    def __init__(self, name: str, complaint: str) -> None:
        super().__init__(complaint)
        self.name = name


@dataclass(frozen=True, kw_only=True)
class FlumotionReport:
    """All that one machine says of its components."""

    machine: str
    kind: str
    components: Sequence[ComponentState]
    history: Sequence[Mood]


class _BoundedNumber(colander.SchemaType):
    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        number = isinstance(cstruct, int | float) and not isinstance(cstruct, bool)
        # Nothing compares as true with NaN.
        if not number or not self.least <= cstruct <= self.most:
            raise colander.Invalid(node, f"allowed: a number from {self.least} to {self.most}")
        return float(cstruct)


class _MoodType(colander.SchemaType):
    """A mood by its name, or by Flumotion's number for it."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if isinstance(cstruct, str) and cstruct.lower() in MOODS:
            return cstruct.lower()
        whole = isinstance(cstruct, int | float) and not isinstance(cstruct, bool)
        if whole and cstruct in range(len(MOODS)):
            return MOODS[int(cstruct)]
        raise colander.Invalid(
            node, f"allowed: {', '.join(MOODS)}, or their numbers from 0 to {len(MOODS) - 1}"
        )


def _mood_node(*, aged: bool) -> colander.SchemaNode:
    age = (
        [colander.SchemaNode(_BoundedNumber(-MAX_AGE_SECONDS, MAX_AGE_SECONDS), name="age")]
        if aged
        else []
    )
    return colander.SchemaNode(
        colander.Tuple(),
        colander.SchemaNode(_MoodType(), name="mood"),
        colander.SchemaNode(_BoundedNumber(0, MAX_UNIX_TIME), name="since"),
        *age,
    )


class _UnixTimeText(colander.SchemaType):
    """A Unix time as text. What colander's own type says of it would hold the text itself."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        try:
            seconds = float(cstruct)
        except ValueError:
            seconds = -1.0
        # Nothing compares as true with NaN.
        if not 0 <= seconds <= MAX_UNIX_TIME:
            raise colander.Invalid(node, f"allowed: a Unix time from 0 to {MAX_UNIX_TIME}")
        return seconds


class FlumotionFormSchema(colander.Schema):
    """The fields beside the moods."""

    identifier = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(
            r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}\Z", "allowed: 1 to 64 of A-Z a-z 0-9 _ . : -"
        ),
    )
    type = colander.SchemaNode(
        colander.String(),
        missing="flumotion",
        validator=colander.Regex(
            r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\Z", "allowed: 1 to 32 of A-Z a-z 0-9 _ . -"
        ),
    )
    recorded_time = colander.SchemaNode(_UnixTimeText())


CURRENT_MOOD = _mood_node(aged=False)
MOOD_HISTORY = colander.SchemaNode(colander.Sequence(), _mood_node(aged=True))
EXPECTED_SHAPES = {"current": "[mood, since]", "history": "[[mood, since, age], …]"}
FORM_SCHEMA = FlumotionFormSchema()


def parse_report(fields: Mapping[str, str], *, now: datetime) -> FlumotionReport:
    """Return what a form of texts says.

    Times stay those of the sender's clock: the same mood comes with the same time in every
    report, which is how repeats are known. Where the clock differs from ours, components say so.

    :raises BadReport: unless every field is what it should be.
    """
    try:
        form = FORM_SCHEMA.deserialize({name: fields[name] for name in fields if name != "data"})
    except colander.Invalid as error:
        name, complaint = next(iter(error.asdict().items()))
        raise InvalidReportError(name, complaint) from None
    data = _require_object(_parse_json(fields.get("data", "")), "data")
    detail = _clock_skew_note(form["recorded_time"], now)
    components = [
        ComponentState(name=name, mood=mood, since=_from_unix_time(since), detail=detail)
        for name, (mood, since) in _parse_components(data, "current", CURRENT_MOOD)
    ]
    history = [
        Mood(component=name, mood=mood, since=_from_unix_time(since), seconds=max(0.0, age))
        for name, past in _parse_components(data, "history", MOOD_HISTORY)
        for mood, since, age in past
    ]
    if len(history) > MAX_HISTORY_ENTRIES:
        raise InvalidReportError("data", f"history has more than {MAX_HISTORY_ENTRIES} entries")
    return FlumotionReport(
        machine=form["identifier"], kind=form["type"], components=components, history=history
    )


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidReportError("data", "is not JSON") from None


def _require_object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidReportError("data", f"{what} is not a JSON object")
    return value


def _parse_components(
    data: Mapping[str, Any], part: str, schema: colander.SchemaNode
) -> list[tuple[str, Any]]:
    found = _require_object(data.get(part, {}), part)
    if len(found) > MAX_COMPONENTS:
        raise InvalidReportError("data", f"{part} has more than {MAX_COMPONENTS} components")
    result = []
    for name, value in found.items():
        # Text that cannot be printed is no name, and no database of ours could keep all of it.
        if not (0 < len(name) <= MAX_NAME_CHARS and name.isprintable()):
            raise InvalidReportError(
                "data", f"{part} has {ascii(name)[:80]}; allowed: 1 to {MAX_NAME_CHARS} characters"
            )
        try:
            result.append((name, schema.deserialize(value)))
        except colander.Invalid as error:
            complaint = next(iter(error.asdict().values()))
            # What colander says of a shape shows the value, which is the caller's text.
            if not complaint.startswith("allowed"):
                complaint = f"allowed: {EXPECTED_SHAPES[part]}"
            raise InvalidReportError("data", f"{part} of {ascii(name)[:80]}; {complaint}") from None
    return result


def _from_unix_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _clock_skew_note(recorded_time: float, now: datetime) -> str:
    ahead = _from_unix_time(recorded_time) - now
    if abs(ahead) <= MAX_CLOCK_SKEW:
        return ""
    seconds = round(abs(ahead).total_seconds())
    return f"its clock is {seconds:,} s {'ahead' if ahead > timedelta() else 'behind'}"
