"""The base of all fields, and the error of an invalid value."""

from typing import Any

MAX_VALUE_CHARS = 80


class InvalidValueError(ValueError):
    """A value that a field does not allow. Its text is ``allowed: …``.

    :ivar allowed: the allowed values, for people.
    """

    def __init__(self, allowed: str) -> None:
        super().__init__(f"allowed: {allowed}")
        self.allowed = allowed


def describe_value(value: Any) -> str:
    """Return a value for an error message: at most the first 80 characters of its repr."""
    return f"{value!r:.{MAX_VALUE_CHARS}}"


def describe_invalid(value: Any, allowed: str) -> str:
    """Return ``is VALUE; allowed: …`` in one line."""
    return f"is {describe_value(value)}; allowed: {allowed}"


class Field:
    """A type of values. Subclasses override :meth:`is_valid`, or :meth:`validate` if they convert.

    :ivar allowed: the allowed values, for people.
    """

    allowed = ""

    def is_valid(self, value: Any) -> bool:
        """Return whether a value is allowed."""
        raise NotImplementedError

    def validate(self, value: Any) -> Any:
        """Return the value of a JSON document, converted if need be.

        :raises InvalidValueError: if it is not allowed.
        """
        if not self.is_valid(value):
            raise self.error()
        return value

    def parse(self, text: str) -> Any:
        """Return the value of a text, such as one of an ini file.

        :raises InvalidValueError: if it is not allowed.
        """
        return self.validate(text)

    def json_schema(self) -> dict[str, Any]:
        """Return the field as JSON Schema."""
        raise NotImplementedError

    def error(self) -> InvalidValueError:
        """Return the error of an invalid value, to be raised."""
        return InvalidValueError(self.allowed)


class Nullable(Field):
    """The values of another field, or null."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.allowed = f"{field.allowed}, or null"

    def validate(self, value: Any) -> Any:
        return None if value is None else self._field.validate(value)

    def json_schema(self) -> dict[str, Any]:
        schema = self._field.json_schema()
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return {**schema, "type": [schema["type"], "null"]}
