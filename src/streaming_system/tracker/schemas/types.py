"""The colander types of the JSON API: strict, bounded, and documented.

The same field validates requests and becomes a part of the OpenAPI document, so that the two cannot
differ. Fields are those of :mod:`streaming_system.util.validation`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import colander

from streaming_system.util.validation import (
    FILE_ENDINGS,
    Field,
    InvalidValueError,
    Nullable,
    Number,
    Text,
    is_host,
)

MAX_CLIENTS = 10_000_000
MAX_CLOCK_OFFSET = 10**10

# No user, query or fragment, and no whole playlist; "{room}" is the placeholder of a room's id.
_WHOLE_STREAM = "|".join(
    "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in ending[1:])
    for ending in FILE_ENDINGS
)
_BASE_URL_PATTERN = (
    rf"^(?!.*\.({_WHOLE_STREAM})$)"
    r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"(/([A-Za-z0-9._~!$&()*+,;=:@%/-]|\{room\})*)?$"
)
MAX_UNKNOWN_MEMBERS = 10


class StrictObject(colander.Mapping):
    """A JSON object that has declared members only."""

    def __init__(self) -> None:
        super().__init__(unknown="raise")

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, dict):
            raise colander.Invalid(node, "allowed: an object")
        values = _deserialize_valid(node, cstruct)
        if values is not None:
            return values
        declared = {child.name for child in node.children}
        unknown = [name for name in cstruct if name not in declared]
        try:
            values = super().deserialize(node, {k: v for k, v in cstruct.items() if k in declared})
        except colander.Invalid as invalid:
            error = invalid
        else:
            if not unknown:
                return values
            error = colander.Invalid(node)
        for name in unknown[:MAX_UNKNOWN_MEMBERS]:
            unknown_node = colander.SchemaNode(colander.String(), name=name[:64])
            error.add(colander.Invalid(unknown_node, "there is no such member"))
        raise error


def _deserialize_valid(node: colander.SchemaNode, members: dict[Any, Any]) -> dict[str, Any] | None:
    """Return the values of a valid object; ``None`` if the slow path must collect the errors.

    colander's own machinery costs more for each member than the validation.
    """
    values, count = {}, 0
    try:
        for child in node.children:
            name = child.name
            if name in members:
                count += 1
                if child.children or child.validator is not None or child.preparer is not None:
                    values[name] = child.deserialize(members[name])
                else:
                    values[name] = child.typ.deserialize(child, members[name])
            elif child.missing is colander.drop:
                continue
            elif child.missing is colander.required or child.missing is colander.null:
                return None
            else:
                values[name] = child.missing
    except colander.Invalid:
        return None
    return values if count == len(members) else None


class ApiSchema(colander.MappingSchema):
    """An object of the API. The OpenAPI document has its class name and docstring."""

    schema_type = StrictObject
    # The rules of the validator as JSON Schema.
    also: ClassVar[Mapping[str, Any]] = {}


class FieldType(colander.SchemaType):
    """Adapts a field to colander."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        try:
            return self.field.validate(cstruct)
        except InvalidValueError as error:
            raise colander.Invalid(node, str(error)) from None

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return self.field.json_schema()


class Member(colander.SchemaNode):
    """A member of an object, or a parameter.

    :param typ: a field, or a colander type.
    """

    def __init__(self, typ: Any, **options: Any) -> None:
        super().__init__(FieldType(typ) if isinstance(typ, Field) else typ, **options)


class BaseUrl(Text):
    """The prefix of the addresses of an endpoint's streams; it ends with a slash."""

    def __init__(self) -> None:
        super().__init__(
            500,
            min_length=8,
            pattern=_BASE_URL_PATTERN,
            allowed="http:// or https://, a host, perhaps a port and the path of a folder, and no "
            "user, query, fragment or playlist, whose path belongs in files",
        )

    def is_valid(self, value: Any) -> bool:
        if not super().is_valid(value):
            return False
        try:
            parts = urlsplit(value)
            return is_host(parts.hostname or "") and parts.port != 0
        except ValueError:
            # A port above 65535, or brackets around something that is not an address.
            return False

    def validate(self, value: Any) -> str:
        url: str = super().validate(value)
        return url if url.endswith("/") else f"{url}/"


class DisplayText(Field):
    """A text for people, in responses only."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}


class BoundedList(colander.SchemaType):
    """A list of values of one type.

    :param of: the type of the values: a field or a schema.
    :param distinct: refuses duplicates.
    """

    def __init__(self, of: Any, max_items: int, *, distinct: bool = True) -> None:
        self.of = of if isinstance(of, colander.SchemaNode) else Member(of)
        self.max_items, self.distinct = max_items, distinct

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if not isinstance(cstruct, list) or len(cstruct) > self.max_items:
            raise colander.Invalid(node, f"allowed: a list of at most {self.max_items}")
        values = self._deserialize_items(node, cstruct)
        if self.distinct and len(set(values)) < len(values):
            raise colander.Invalid(node, "allowed: every value once only")
        return values

    def _deserialize_items(self, node: colander.SchemaNode, cstruct: Sequence[Any]) -> list[Any]:
        values, invalid = [], colander.Invalid(node)
        for number, value in enumerate(cstruct):
            try:
                values.append(self.of.deserialize(value))
            except colander.Invalid as error:
                error.positional = True
                invalid.add(error, number)
        if invalid.children:
            raise invalid
        return values

    def json_schema(self, node: colander.SchemaNode) -> dict[str, Any]:
        return {
            "type": "array",
            "items": self.of,
            "maxItems": self.max_items,
            **({"uniqueItems": True} if self.distinct else {}),
        }


def clock_offset_member() -> Member:
    """Return the member of a report with the offset of the sender's clock."""
    return Member(
        Nullable(Number(-MAX_CLOCK_OFFSET, MAX_CLOCK_OFFSET)),
        missing=None,
        description="By how many seconds the sender's clock is ahead of the tracker's (the header "
        "`Date`); null if unknown.",
        example=0.2,
    )
