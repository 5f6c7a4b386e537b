"""Parses the reports of Flumotion's logger: a form with the components' moods as JSON."""

import json
import textwrap
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
from streaming_system.tracker.schemas.types import Member
from streaming_system.util.validation import Field, InvalidValueError, Number, is_number

MAX_UNIX_TIME = 2**32  # The year 2106, in Unix time.
MAX_AGE_SECONDS = 10 * 366 * 86400
# Reports arrive within seconds; a larger difference is clock skew.
MAX_CLOCK_SKEW = timedelta(seconds=60)


class InvalidReportError(ValueError):
    """An invalid report, with one line about the error.

    :ivar field: the name of the invalid form field.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class FlumotionReport:
    """The components of one machine and their past moods."""

    machine: str
    kind: str
    components: Sequence[ComponentState]
    history: Sequence[Mood]


class _BoundedNumber(Number):
    def __init__(self, minimum: float, maximum: float) -> None:
        super().__init__(minimum, maximum, allowed=f"a number from {minimum} to {maximum}")


class _Mood(Field):
    """A mood by its name or by Flumotion's number."""

    allowed = f"{', '.join(MOODS)}, or their numbers from 0 to {len(MOODS) - 1}"

    def validate(self, value: Any) -> str:
        if isinstance(value, str) and value.lower() in MOODS:
            return value.lower()
        if is_number(value) and value in range(len(MOODS)):
            return MOODS[int(value)]
        raise self.error()


def _mood_node(*, with_age: bool) -> colander.SchemaNode:
    age = [Member(_BoundedNumber(-MAX_AGE_SECONDS, MAX_AGE_SECONDS), name="age")]
    return colander.SchemaNode(
        colander.Tuple(),
        Member(_Mood(), name="mood"),
        Member(_BoundedNumber(0, MAX_UNIX_TIME), name="since"),
        *(age if with_age else ()),
    )


class _UnixTimeText(Field):
    """A Unix time as text."""

    allowed = f"a Unix time from 0 to {MAX_UNIX_TIME}"

    def validate(self, value: Any) -> float:
        try:
            return Number(0, MAX_UNIX_TIME).parse(value)
        except InvalidValueError:
            raise self.error() from None


def _prepare_identifier(text: Any) -> Any:
    """Drop the last words of an identifier that is too long.

    The original's watchdog sends the name of its machine and then all addresses by default.
    """
    if text is colander.null:
        return text
    text = text.strip()
    if len(text) <= MAX_NAME_CHARS:
        return text
    return textwrap.shorten(
        text, MAX_NAME_CHARS, placeholder="", break_long_words=False, break_on_hyphens=False
    )


def _validate_identifier(node: colander.SchemaNode, text: str) -> None:
    # Unprintable characters include all that the database does not accept.
    if not (text and text.isprintable()):
        raise colander.Invalid(node, f"allowed: 1 to {MAX_NAME_CHARS} printable characters")


class FlumotionFormSchema(colander.Schema):
    """The form fields besides the moods."""

    identifier = colander.SchemaNode(
        colander.String(), preparer=_prepare_identifier, validator=_validate_identifier
    )
    type = colander.SchemaNode(
        colander.String(),
        missing="flumotion",
        validator=colander.Regex(
            r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\Z", "allowed: 1 to 32 of A-Z a-z 0-9 _ . -"
        ),
    )
    recorded_time = Member(_UnixTimeText())


CURRENT_MOOD = _mood_node(with_age=False)
MOOD_HISTORY = colander.SchemaNode(colander.Sequence(), _mood_node(with_age=True))
EXPECTED_SHAPES = {"current": "[mood, since]", "history": "[[mood, since, age], …]"}
FORM_SCHEMA = FlumotionFormSchema()


def parse_report(fields: Mapping[str, str], *, now: datetime) -> FlumotionReport:
    """Return the report in the fields of a form.

    Times remain those of the machine's clock: a mood has the same time in every report, which
    identifies repetitions. If that clock differs from ours, the components' details say so.

    :raises InvalidReportError: if a field is invalid.
    """
    try:
        form = FORM_SCHEMA.deserialize({name: fields[name] for name in fields if name != "data"})
    except colander.Invalid as error:
        field, message = next(iter(error.asdict().items()))
        raise InvalidReportError(field, message) from None
    data = _require_object(_parse_json(fields.get("data", "")), "data")
    detail = _clock_skew_note(form["recorded_time"], now)
    components = [
        ComponentState(name=name, mood=mood, since=_from_unix_time(since), detail=detail)
        for name, (mood, since) in _parse_components(data, "current", CURRENT_MOOD)
    ]
    history = [
        Mood(component=name, mood=mood, since=_from_unix_time(since), seconds=max(0.0, age))
        for name, moods in _parse_components(data, "history", MOOD_HISTORY)
        for mood, since, age in moods
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
    components = _require_object(data.get(part, {}), part)
    if len(components) > MAX_COMPONENTS:
        raise InvalidReportError("data", f"{part} has more than {MAX_COMPONENTS} components")
    result = []
    for name, value in components.items():
        # The database does not accept every unprintable character.
        if not (0 < len(name) <= MAX_NAME_CHARS and name.isprintable()):
            raise InvalidReportError(
                "data", f"{part} has {ascii(name)[:80]}; allowed: 1 to {MAX_NAME_CHARS} characters"
            )
        try:
            result.append((name, schema.deserialize(value)))
        except colander.Invalid as error:
            message = next(iter(error.asdict().values()))
            # colander's own messages repeat the value.
            if not message.startswith("allowed"):
                message = f"allowed: {EXPECTED_SHAPES[part]}"
            raise InvalidReportError("data", f"{part} of {ascii(name)[:80]}; {message}") from None
    return result


def _from_unix_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _clock_skew_note(recorded_time: float, now: datetime) -> str:
    ahead = _from_unix_time(recorded_time) - now
    if abs(ahead) <= MAX_CLOCK_SKEW:
        return ""
    seconds = round(abs(ahead).total_seconds())
    return f"its clock is {seconds:,} s {'ahead' if ahead > timedelta() else 'behind'}"
