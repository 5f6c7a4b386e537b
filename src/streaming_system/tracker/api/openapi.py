"""The OpenAPI document, made of the table of operations."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import colander

from streaming_system.tracker.api.json_schema import component_name, example_value, to_json_schema
from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.path_params import PATH_PARAMETERS
from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.schemas.problem import ProblemSchema

API_VERSION = "1.0"
API_DESCRIPTION = (
    "Encoders, endpoints and programs of the crew report to the tracker and ask it. Times are "
    "RFC 3339 in UTC, bitrates are bit/s. What is not declared here is refused. A later revision "
    "of v1 may add members to answers: ignore those that you do not know. Errors are RFC 9457; "
    "their `type` leads to an explanation. `HEAD` is allowed wherever `GET` is. Pages of other "
    "sites may read whatever needs no token; they may not send tokens, since a token does not "
    "belong in a browser."
)


def problem_types_by_status(operation: Operation, path: str) -> Mapping[int, Sequence[str]]:
    """Return the kinds of problems that an operation can answer with, by status."""
    kinds = [*operation.problems, "too-many-requests", "service-unavailable"]
    if "{" in path or operation.query:
        kinds.append("bad-address")
    if operation.query or operation.body or "{" in path.replace("{room}", ""):
        kinds.append("invalid")
    if operation.body:
        kinds += ["bad-json", "body-too-large", "unsupported-media-type"]
    if operation.scopes:
        kinds += ["unauthorized", "forbidden"]
    if "{room}" in path:
        kinds.append("unknown-room")
    # An address of another shape is another address: an empty or encoded part leads there.
    if "{" in path:
        kinds.append("not-found")
    by_status: dict[int, list[str]] = {}
    for kind, known in PROBLEM_TYPES.items():
        if kind in kinds:
            by_status.setdefault(known.status, []).append(kind)
    return by_status


def build_document(operations: Iterable[Operation], paths: Mapping[str, str]) -> dict[str, Any]:
    """Return the document, without the address of the server.

    :param paths: by the name of each route, its path below that address.
    """
    components: dict[str, Any] = {}
    items: dict[str, Any] = {}
    for operation in operations:
        path = paths[operation.route]
        items.setdefault(path, {})[operation.method.lower()] = _operation_object(
            operation, path, components
        )
    problem = to_json_schema(ProblemSchema(), components)
    components["Problem"]["additionalProperties"] = True
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The tracker's API",
            "version": API_VERSION,
            "description": API_DESCRIPTION,
        },
        "paths": items,
        "components": {
            "schemas": components,
            "responses": {
                str(status): _problem_response_object(status, problem)
                for status in _problem_statuses()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that the crew has issued: it begins with sst_.",
                }
            },
        },
    }


def _operation_object(
    operation: Operation, path: str, components: dict[str, Any]
) -> dict[str, Any]:
    parameters = [
        _parameter_object(PATH_PARAMETERS[name], "path", name, components)
        for name in PATH_PARAMETERS
        if f"{{{name}}}" in path
    ]
    if operation.query is not None:
        parameters += [
            _parameter_object(n, "query", n.name, components) for n in operation.query.children
        ]
    return {
        "operationId": operation.id,
        "tags": [operation.id.partition(".")[0]],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"parameters": parameters} if parameters else {}),
        **(
            {"requestBody": _request_body_object(operation, components)}
            if operation.body is not None
            else {}
        ),
        "responses": {
            **{
                str(status): _response_object(answer, components)
                for status, answer in operation.answers.items()
            },
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in problem_types_by_status(operation, path)
            },
        },
        "security": [{"token": []}] if operation.scopes else [],
    }


def _parameter_object(
    node: colander.SchemaNode, where: str, name: str, components: dict[str, Any]
) -> dict[str, Any]:
    schema = to_json_schema(node, components)
    return {
        "name": name,
        "in": where,
        "required": where == "path" or node.missing is colander.required,
        "description": schema.pop("description"),
        "schema": schema,
    }


def _request_body_object(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    content = {
        "schema": to_json_schema(operation.body, components),
        "example": example_value(operation.body),
    }
    return {"required": True, "content": dict.fromkeys(operation.media, content)}


def _response_object(answer: Any, components: dict[str, Any]) -> dict[str, Any]:
    if answer is None:
        return {"description": "Done; the answer has no body."}
    schema = to_json_schema(answer, components)
    return {
        "description": components[component_name(answer)]["description"],
        "content": {"application/json": {"schema": schema, "example": example_value(answer)}},
    }


def _problem_statuses() -> Iterable[int]:
    return sorted({kind.status for kind in PROBLEM_TYPES.values()})


def _problem_response_object(status: int, schema: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {name: kind for name, kind in PROBLEM_TYPES.items() if kind.status == status}
    answer: dict[str, Any] = {
        "description": " ".join(f"`{name}`: {kind.title}." for name, kind in kinds.items()),
        "content": {"application/problem+json": {"schema": dict(schema)}},
    }
    headers = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 429: "Retry-After"}
    headers |= {405: "Allow", 503: "Retry-After"}
    if status in headers:
        answer["headers"] = {headers[status]: {"required": True, "schema": {"type": "string"}}}
    return answer
