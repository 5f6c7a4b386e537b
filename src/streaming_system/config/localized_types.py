"""Types of configuration keys for languages, and for texts in several languages."""

import re
from typing import Any

import colander

from streaming_system.config.field_types import InvalidItems, TextListType, TextType
from streaming_system.util.validation import describe_invalid, describe_value

LANGUAGE_PATTERN = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
_LANGUAGE_TAG = re.compile(LANGUAGE_PATTERN, re.ASCII)
_ALLOWED_TEXTS = 'a text, or one per language, such as {"en": "Hall", "de": "Saal"}'


class LocalizedTextType(TextType):
    """A text, or an object with one text per language; the result is a text or a mapping."""

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        if not isinstance(value, dict):
            return super().parse(node, value)
        is_valid = value and all(
            _LANGUAGE_TAG.fullmatch(tag) and isinstance(text, str) and text.strip()
            for tag, text in value.items()
        )
        if not is_valid:
            raise colander.Invalid(node, describe_invalid(value, _ALLOWED_TEXTS))
        return {tag: text.strip() for tag, text in value.items()}

    def json_schema(self) -> dict[str, Any]:
        texts = {
            "type": "object",
            "propertyNames": {"pattern": f"^{LANGUAGE_PATTERN}$"},
            "additionalProperties": {"type": "string", "pattern": r"\S"},
            "minProperties": 1,
        }
        text = super().json_schema()
        return {"anyOf": [*text.get("anyOf", [text]), texts]}


class LanguageListType(TextListType):
    """A list of languages, as BCP 47 tags."""

    def parse(self, node: colander.SchemaNode, value: Any) -> tuple[Any, ...]:
        tags = super().parse(node, value)
        folded = [tag.lower() for tag in tags]
        problems = [
            ((index,), f"{describe_value(tag)} is there twice; remove one")
            for index, tag in enumerate(tags)
            if tag.lower() in folded[:index]
        ]
        if problems:
            raise InvalidItems(node, problems)
        return tags

    def parse_item(self, text: str) -> str:
        """Return the tag."""
        if not _LANGUAGE_TAG.fullmatch(text):
            raise ValueError(
                f'{describe_value(text)}; allowed: a list of languages such as ["de", "en"]'
            )
        return text

    def item_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one text."""
        return {"type": "string", "pattern": f"^{LANGUAGE_PATTERN}$"}
