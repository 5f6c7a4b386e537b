"""Authenticates, limits and validates every request of the JSON API before its view runs."""

from collections.abc import Callable
from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.api.auth import authenticate, require_scope
from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.operations import (
    OPERATIONS,
    OPERATIONS_BY_ID,
    OPERATIONS_BY_ROUTE,
)
from streaming_system.tracker.api.path_params import parse_path_params
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.api.request_parsing import parse_body, parse_query
from streaming_system.tracker.crew.errors import CrewError


def api_view(operation: str, **options: Any) -> Any:
    """Decorate a function as the view of an operation.

    ``request.validated`` has the validated parameters of the path and query and the members of the
    body, by name. ``request.client`` is the :class:`ApiClient`, if the operation needs a token.
    """
    definition = OPERATIONS_BY_ID[operation]
    return view_config(
        route_name=definition.route, request_method=definition.method, renderer="json", **options
    )


class PreferredViewPredicate:
    """Makes Pyramid try a view before the others of its route.

    Pyramid tries views with more predicates first, and each mismatch costs an exception. So the
    most frequent operation of a route gets this predicate, which always matches.
    """

    def __init__(self, value: bool, config: Any) -> None:
        self._value = value

    def text(self) -> str:
        """Return the text that identifies the predicate."""
        return f"preferred = {self._value}"

    phash = text

    def __call__(self, context: Any, request: Any) -> bool:
        """Match every request."""
        return True


def includeme(config: Any) -> None:
    """Add the view deriver, and a 405 view to every route."""
    config.add_view_predicate("preferred", PreferredViewPredicate)
    config.add_view_deriver(_operation_deriver, "api_operation", under="limited")
    methods: dict[str, set[str]] = {"api.document": {"GET"}, "api.manual": {"GET"}}
    for operation in OPERATIONS:
        methods.setdefault(operation.route, set()).add(operation.method)
    for route, supported in methods.items():
        implied = {"HEAD"} if "GET" in supported else set()
        allowed = ", ".join(sorted(supported | implied))
        config.add_view(_method_not_allowed_view(allowed), route_name=route)


def _operation_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    if info.exception_only:
        return view

    def handle_operation(context: Any, request: Any) -> Any:
        route = request.matched_route.name if request.matched_route else ""
        method = "GET" if request.method == "HEAD" else request.method
        operation = OPERATIONS_BY_ROUTE.get((method, route))
        if operation is None:
            return view(context, request)
        if operation.scopes:
            request.client = authenticate(request)
            request.registry["limiter"].hit(operation.limit, request.client.account)
            require_scope(request.client, operation, request.matchdict)
        request.validated = _validate_request(request, operation)
        try:
            response = view(context, request)
        except CrewError as error:
            raise api_error("invalid", str(error)) from None
        response.headers.setdefault("Cache-Control", "no-store")
        if not operation.scopes:
            # Public data is for pages of any site. Operations with tokens are for programs: a
            # browser's preflight request for them fails.
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return handle_operation


def _validate_request(request: Any, operation: Operation) -> dict[str, Any]:
    values = parse_path_params(request)
    if operation.query is not None:
        values |= parse_query(request, operation.query)
    return values | parse_body(request, operation)


def _method_not_allowed_view(allowed: str) -> Callable[[Any], Any]:
    def method_not_allowed(request: Any) -> Any:
        raise api_error("method-not-allowed", f"allowed: {allowed}", {"Allow": allowed})

    return method_not_allowed
