"""The API's description as a page to read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup, escape
from pyramid.view import view_config

from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.routes import API_PREFIX
from streaming_system.tracker.views.api.document import DOCUMENT, DOCUMENT_TTL_SECONDS

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


@view_config(
    route_name="api.manual",
    request_method="GET",
    renderer="streaming_system.tracker:templates/api.jinja2",
    http_cache=(DOCUMENT_TTL_SECONDS, {"public": True}),
)
def api_docs(request: Any) -> dict[str, Any]:
    """Show what the API can do, to people."""
    request.response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    base = f"{request.application_url}{API_PREFIX}"
    return {
        "info": DOCUMENT["info"],
        "base": base,
        "resources": _operations_by_resource(base),
        "schemas": DOCUMENT["components"]["schemas"],
        "problems": PROBLEM_TYPES,
        "leads_to": referenced_schema,
        "typed": type_label,
        "marked": render_inline_code,
    }


def _operations_by_resource(base: str) -> Mapping[str, list[dict[str, Any]]]:
    """Return the operations, with all that is shown of each, by the thing that they are about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in _iter_operations():
        content = operation.get("requestBody", {}).get("content", {})
        shown = {
            **operation,
            "method": method.upper(),
            "path": path,
            "media": list(content),
            "body": next(iter(content.values()), None),
            "curl": _curl_command(base + path, method.upper(), operation),
            "answers": [
                _response_entry(status, of) for status, of in operation["responses"].items()
            ],
        }
        found.setdefault(operation["tags"][0], []).append(shown)
    return found


def _iter_operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _response_entry(status: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a status with what it means: an example, or the kinds of problems."""
    if "$ref" in answer:
        kinds = [name for name, kind in PROBLEM_TYPES.items() if str(kind.status) == status]
        return {"status": status, "kinds": kinds}
    content = answer.get("content", {}).get("application/json", {})
    return {
        "status": status,
        "description": answer["description"],
        "schema": content.get("schema", {}).get("$ref", "").rpartition("/")[2],
        "example": _pretty_json(content["example"]) if content else "",
    }


def _curl_command(url: str, method: str, operation: Mapping[str, Any]) -> str:
    """Return a line that a shell can run; every example is one word or quoted."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            example = str(parameter["schema"]["examples"][0])
            url = url.replace(f"{{{parameter['name']}}}", example)
    parts = ["curl"] if method == "GET" else ["curl", "-X", method]
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        parts.append("-H 'Content-Type: application/json'")
        body = json.dumps(next(iter(content.values()))["example"]).replace("'", "'\\''")
        parts.append(f"-d '{body}'")
    return " ".join([*parts, url])


def _pretty_json(value: Any) -> str:
    return json.dumps(value, indent=2)


def referenced_schema(schema: Mapping[str, Any]) -> str:
    """Return the name of the schema that one refers to, for itself or its items; "" if none."""
    return str(schema.get("items", schema).get("$ref", "").rpartition("/")[2])


def type_label(schema: Mapping[str, Any]) -> str:
    """Return a JSON Schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = " or ".join(kinds)
    if "enum" in schema:
        words = " or ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        words = f"list of {type_label(schema['items'])}, at most {schema['maxItems']}"
    if "minimum" in schema:
        words += f", {schema['minimum']} to {schema['maximum']}"
    if "maxLength" in schema:
        words += f", {schema['minLength']} to {schema['maxLength']} characters"
    if "default" in schema:
        words += f"; {json.dumps(schema['default'])} if not given"
    return words


def render_inline_code(text: str) -> Markup:
    """Return a text of ours as HTML: what stands between backquotes is code."""
    parts = [escape(part) for part in text.split("`")]
    html = "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
    return Markup(html)  # noqa: S704 - Every part has been escaped.
