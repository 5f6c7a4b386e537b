"""Converts colander nodes to JSON Schema (2020-12, as used by OpenAPI 3.1)."""

from collections.abc import Mapping
from typing import Any

import colander


def to_json_schema(node: colander.SchemaNode, components: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a node.

    :param components: receives the schemas of objects, by :func:`component_name`.
    """
    if isinstance(node.typ, colander.Mapping):
        name = component_name(node)
        if name not in components:
            # The entry exists before its members, so that a schema may contain itself.
            components[name] = {}
            components[name] = _object_schema(node, components)
        schema: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    else:
        schema = node.typ.json_schema(node)
        if isinstance(schema.get("items"), colander.SchemaNode):
            schema["items"] = to_json_schema(schema["items"], components)
    if node.description:
        schema["description"] = node.description
    if _is_valid_default(node):
        schema["default"] = list(node.missing) if node.missing == () else node.missing
    if getattr(node, "example", colander.null) is not colander.null:
        schema["examples"] = [node.example]
    return schema


def component_name(node: colander.SchemaNode) -> str:
    """Return the name of an object's schema in the OpenAPI document: its class without "Schema"."""
    return type(node).__name__.removesuffix("Schema")


def _is_valid_default(node: colander.SchemaNode) -> bool:
    """Return whether the value for a missing member is a valid value itself."""
    if node.missing is colander.required or node.missing is colander.drop:
        return False
    try:
        value = list(node.missing) if node.missing == () else node.missing
        return bool(node.typ.deserialize(node, value) == value)
    except colander.Invalid:
        return False


def _object_schema(node: colander.SchemaNode, components: dict[str, Any]) -> dict[str, Any]:
    required = [child.name for child in node.children if child.missing is colander.required]
    return {
        "type": "object",
        "description": docstring_text(node),
        "properties": {child.name: to_json_schema(child, components) for child in node.children},
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **getattr(node, "also", {}),
    }


def docstring_text(thing: Any) -> str:
    """Return the docstring of an object's class, with each paragraph on one line."""
    paragraphs = (type(thing).__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def example_value(node: colander.SchemaNode) -> Any:
    """Return an example of a node's values, assembled from the examples of its members."""
    explicit = getattr(node, "example", colander.null)
    if explicit is not colander.null:
        return explicit
    if isinstance(node.typ, colander.Mapping):
        members: Mapping[str, Any] = {child.name: example_value(child) for child in node.children}
        return {name: value for name, value in members.items() if value is not colander.null}
    of = getattr(node.typ, "of", None)
    if isinstance(of, colander.SchemaNode):
        inner = example_value(of)
        return colander.null if inner is colander.null else [inner]
    return colander.null
