"""The JSON Schema of the configuration files, with which editors complete and check them."""

import re
from typing import Any

import colander

from streaming_system.config.field_types import TextType
from streaming_system.config.room_ids import RESERVED_ROOM_IDS, ROOM_ID_PATTERN
from streaming_system.config.schema import RETIRED_KEYS, RoomConfigSchema, SiteConfigSchema
from streaming_system.config.sections import DEFAULT, SCHEMA_KEY, SITE

# Texts of rooms may refer to other keys.
_REFERENCE = {"type": "string", "pattern": r"%\([^()]*\)s"}
_MARKDOWN_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def config_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of config.json and config.private.json."""
    room_names = {
        "pattern": f"^(?:{ROOM_ID_PATTERN.pattern})?$",
        "not": {"enum": sorted(RESERVED_ROOM_IDS - {SITE, DEFAULT})},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of a conference's streaming site",
        "description": "An object for the site, one for all rooms, and one for each room.",
        "type": "object",
        "properties": {
            "": True,
            SCHEMA_KEY: {"type": "string", "description": "The address of this schema."},
            SITE: {"$ref": "#/$defs/site", "description": "The site."},
            DEFAULT: {"$ref": "#/$defs/room", "description": "The values of all rooms."},
        },
        "propertyNames": {"anyOf": [{"const": SCHEMA_KEY}, room_names]},
        "additionalProperties": {"$ref": "#/$defs/room", "description": "A room."},
        "$defs": {
            "site": _section_schema(SiteConfigSchema(), has_references=False),
            "room": _section_schema(RoomConfigSchema(), has_references=True),
        },
    }


def _section_schema(schema: colander.Schema, *, has_references: bool) -> dict[str, Any]:
    retired = {
        key: {"description": message, "deprecated": True} for key, message in RETIRED_KEYS.items()
    }
    keys = {node.name: _key_schema(node, has_references) for node in schema.children}
    return {
        "type": "object",
        "properties": {"": True, **keys, **retired},
        "additionalProperties": False,
    }


def _key_schema(node: colander.SchemaNode, has_references: bool) -> dict[str, Any]:
    schema = node.typ.json_schema()
    is_plain_text = isinstance(node.typ, TextType) and {"type": "string"} in schema.get("anyOf", [])
    if has_references and not is_plain_text:
        schema = {"anyOf": [*schema.get("anyOf", [schema]), _REFERENCE]}
    described = {"description": plain_description(node.description), **schema}
    return {**described, "examples": node.examples} if node.examples else described


def plain_description(markdown: str) -> str:
    """Return a description without the marks of Markdown."""
    return _MARKDOWN_LINK.sub(r"\1", markdown).replace("`", "")
