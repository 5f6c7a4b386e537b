"""The API's documentation as a page."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup, escape
from pyramid.view import view_config

from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.routes import API_PREFIX
from streaming_system.tracker.views.api.document import DOCUMENT, DOCUMENT_TTL_SECONDS


@view_config(
    route_name="api.manual",
    request_method="GET",
    renderer="streaming_system.tracker:templates/api.jinja2",
    http_cache=(DOCUMENT_TTL_SECONDS, {"public": True}),
)
def api_docs(request: Any) -> dict[str, Any]:
    """Show the OpenAPI document as HTML."""
    request.response.headers["Content-Security-Policy"] = request.shell.content_security_policy(
        "form-action 'none'"
    )
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
    """Return the operations by resource, with what the template needs of each."""
    resources: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in _iter_operations():
        content = operation.get("requestBody", {}).get("content", {})
        entry = {
            **operation,
            "method": method.upper(),
            "path": path,
            "media": list(content),
            "body": next(iter(content.values()), None),
            "curl": _curl_command(base + path, method.upper(), operation),
            "answers": [
                _response_entry(status, response)
                for status, response in operation["responses"].items()
            ],
        }
        resources.setdefault(operation["tags"][0], []).append(entry)
    return resources


def _iter_operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _response_entry(status: str, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a status with an example, or with its types of problems."""
    if "$ref" in response:
        kinds = [name for name, each in PROBLEM_TYPES.items() if str(each.status) == status]
        return {"status": status, "kinds": kinds}
    content = response.get("content", {}).get("application/json", {})
    return {
        "status": status,
        "description": response["description"],
        "schema": content.get("schema", {}).get("$ref", "").rpartition("/")[2],
        "example": _pretty_json(content["example"]) if content else "",
    }


def _curl_command(url: str, method: str, operation: Mapping[str, Any]) -> str:
    """Return the operation as a shell command."""
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
    """Return the name of the schema that a schema or its items refer to; "" if there is none."""
    return str(schema.get("items", schema).get("$ref", "").rpartition("/")[2])


def type_label(schema: Mapping[str, Any]) -> str:
    """Return a short description of a JSON Schema."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    label = " or ".join(types)
    if "enum" in schema:
        label = " or ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        label = f"list of {type_label(schema['items'])}, at most {schema['maxItems']}"
    if "minimum" in schema:
        label += f", {schema['minimum']} to {schema['maximum']}"
    if "maxLength" in schema:
        label += f", {schema['minLength']} to {schema['maxLength']} characters"
    if "default" in schema:
        label += f"; {json.dumps(schema['default'])} if not given"
    return label


def render_inline_code(text: str) -> Markup:
    """Return a text as HTML, with the parts between backquotes as code."""
    parts = [escape(part) for part in text.split("`")]
    html = "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
    return Markup(html)  # noqa: S704 - Every part has been escaped.
