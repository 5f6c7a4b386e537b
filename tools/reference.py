"""Writes docs/reference/: ``make reference`` runs it after a change of what the pages describe.

Each page comes from the code that it describes: the commands from click, the HTTP API from the
tracker's OpenAPI document, the keys of the ini file and the metrics from their descriptions, the
hooks of plugins from their docstrings.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from ini_reference import format_ini_keys
from markdown_table import format_table
from metrics_reference import format_metrics

from streaming_system.cli import main as cli
from streaming_system.plugin import hooks
from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.views.api.document import DOCUMENT

FOLDER = Path(__file__).parents[1] / "docs/reference"
NOTE = "<!-- Generated: make reference -->\n\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {
        "commands.md": NOTE + "\n".join(_format_commands()),
        "http-api.md": NOTE + "\n".join(_format_api(DOCUMENT)),
        "ini-keys.md": NOTE + "\n".join(format_ini_keys()),
        "metrics.md": NOTE + "\n".join(format_metrics()),
        "hooks.md": NOTE + "\n".join(_format_hooks()),
    }


# Commands.


def _format_commands() -> Iterator[str]:
    yield "# Commands\n"
    yield "`streaming-system COMMAND --help` prints the same texts.\n"
    with click.Context(cli, info_name="streaming-system") as context:
        yield from _format_command(cli, context)


def _format_command(command: click.Command, context: click.Context) -> Iterator[str]:
    if command.hidden:
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{context.command_path}`\n"
    yield f"    {context.command_path} {usage}\n"
    yield f"{_format_help(command.help or '')}\n"
    options = [
        record
        for parameter in command.get_params(context)
        if "--help" not in parameter.opts and (record := parameter.get_help_record(context))
    ]
    if options:
        yield from format_table(
            ("option", "meaning"), ((f"`{name}`", text) for name, text in options)
        )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if child := command.get_command(context, name):
                with click.Context(child, info_name=name, parent=context) as inner:
                    yield from _format_command(child, inner)


def _format_help(text: str) -> str:
    """Return a help text as Markdown; click's mark of a paragraph with its own lines is ``\\b``."""
    paragraphs = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            paragraph = "\n".join(f"    {line}" for line in paragraph.split("\n")[1:])
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)


# The HTTP API.


def _format_api(document: Mapping[str, Any]) -> Iterator[str]:
    yield "# HTTP API\n"
    yield f"{document['info']['description']}\n"
    yield "Addresses are below `/tracker/api/v1`. A running site has the OpenAPI document at"
    yield "`/tracker/api/v1/openapi.json`, and a manual at `/tracker/api/v1/`.\n"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from _format_operation(f"{method.upper()} {path}", operation)
    yield "## Problem types\n"
    yield from format_table(
        ("problem", "status", "meaning"),
        (
            (f"`{kind}`", str(problem.status), f"{problem.title}. {problem.description}")
            for kind, problem in PROBLEM_TYPES.items()
        ),
    )
    yield "## Objects\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        yield f"{schema.get('description', '')}\n"
        if properties := schema.get("properties"):
            yield from _format_properties(properties, schema.get("required", ()))


def _format_operation(title: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{title}`\n"
    yield f"{operation['summary']}\n"
    if description := operation.get("description"):
        yield f"{description}\n"
    if parameters := operation.get("parameters"):
        rows = (
            (f"`{each['name']}`", each["in"], _format_type(each["schema"]), each["description"])
            for each in parameters
        )
        yield from format_table(("parameter", "in", "type", "meaning"), rows)
    body = operation.get("requestBody", {}).get("content", {})
    for media, content in body.items():
        yield f"Body: {_format_type(content['schema'])}, as `{media}`.\n"
    rows = (
        (status, _format_response(response)) for status, response in operation["responses"].items()
    )
    yield from format_table(("status", "response"), rows)


def _format_response(response: Mapping[str, Any]) -> str:
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    types = [
        _format_type(content["schema"])
        for media, content in response.get("content", {}).items()
        if "problem" not in media
    ]
    return " ".join([*(f"{name}." for name in types), response["description"]])


def _format_properties(
    properties: Mapping[str, Mapping[str, Any]], required: Iterable[str]
) -> Iterator[str]:
    rows = (
        (
            f"`{name}`",
            _format_type(schema),
            "yes" if name in required else "no",
            schema.get("description", ""),
        )
        for name, schema in properties.items()
    )
    yield from format_table(("field", "type", "required", "meaning"), rows)


def _format_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_format_type(each) for each in schema[key])
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    name = schema.get("type", "any")
    if isinstance(name, list):
        name = " or ".join(name)
    if name == "array":
        return f"list of {_format_type(schema.get('items', {}))}"
    bounds = [
        f"{words} {schema[key]}"
        for key, words in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in schema
    ]
    return " ".join([schema.get("format") or name, *bounds])


# The hooks of plugins.

_ROLE = re.compile(r":\w+:`~?\.?([^`]+)`")
_FIELD = re.compile(r"^:(param|returns|raises|ivar)(?: (\w+))?: ", re.MULTILINE)


def _format_hooks() -> Iterator[str]:
    yield "# Hooks of plugins\n"
    yield "A plugin implements the hooks that it needs: [Writing a parser](../how-to/parsers.md).\n"
    for name, hook in vars(hooks).items():
        if hasattr(hook, f"{hooks.PROJECT}_spec"):
            signature = ", ".join(inspect.signature(hook).parameters)
            yield f"## `{name}({signature})`\n"
            yield f"{_format_docstring(inspect.getdoc(hook) or '')}\n"


def _format_docstring(text: str) -> str:
    """Return a docstring in reStructuredText as Markdown."""
    text = _ROLE.sub(r"`\1`", text).replace("``", "`")
    parts = []
    for paragraph in text.split("\n\n"):
        if paragraph.endswith("::"):
            paragraph = paragraph.removesuffix(":")
        if _FIELD.match(paragraph):
            paragraph = _FIELD.sub(lambda field: f"- {_field_name(field)}: ", paragraph)
        parts.append(paragraph)
    return "\n\n".join(parts)


def _field_name(field: re.Match[str]) -> str:
    kind, name = field.groups()
    return {"returns": "Returns", "raises": f"Raises `{name}`"}.get(kind, f"`{name}`")


if __name__ == "__main__":
    main()
