"""What every call of the JSON API goes through before its view sees it."""

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
    """Make a function the view of an operation.

    It finds what was sent, checked, in ``request.validated``: parameters of the path and the
    query and members of the body by name; and who sent it in ``request.caller``.
    """
    known = OPERATIONS_BY_ID[operation]
    return view_config(
        route_name=known.route, request_method=known.method, renderer="json", **options
    )


class PreferredViewPredicate:
    """Says of a view that it is asked more often than the others of its address.

    Pyramid tries views with more conditions first, and each that does not fit costs it an
    exception.
    """

    def __init__(self, value: bool, config: Any) -> None:
        self._value = value

    def text(self) -> str:
        """Return what tells this condition from others."""
        return f"often = {self._value}"

    phash = text

    def __call__(self, context: Any, request: Any) -> bool:
        """Let every request through."""
        return True


def includeme(config: Any) -> None:
    """Add the checks, and an answer to the methods that an address does not know."""
    config.add_view_predicate("often", PreferredViewPredicate)
    config.add_view_deriver(_operation_deriver, "checked", under="limited")
    methods: dict[str, set[str]] = {"api.document": {"GET"}, "api.manual": {"GET"}}
    for operation in OPERATIONS:
        methods.setdefault(operation.route, set()).add(operation.method)
    for route, known in methods.items():
        allowed = ", ".join(sorted({*known, *({"HEAD"} if "GET" in known else set())}))
        config.add_view(_method_not_allowed_view(allowed), route_name=route)


def _operation_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    if info.exception_only:
        return view

    def checked(context: Any, request: Any) -> Any:
        route = request.matched_route.name if request.matched_route else ""
        method = "GET" if request.method == "HEAD" else request.method
        operation = OPERATIONS_BY_ROUTE.get((method, route))
        if operation is None:
            return view(context, request)
        if operation.scopes:
            request.caller = authenticate(request)
            request.registry["limiter"].hit(operation.limit, request.caller.account)
            require_scope(request.caller, operation, request.matchdict)
        request.validated = _validate_request(request, operation)
        try:
            response = view(context, request)
        except CrewError as error:
            raise api_error("invalid", str(error)) from None
        response.headers.setdefault("Cache-Control", "no-store")
        if not operation.scopes:
            # Anybody may build a page of their own around what everybody may know. What needs a
            # token is for programs: a browser that asks whether it may is told no.
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return checked


def _validate_request(request: Any, operation: Operation) -> dict[str, Any]:
    values = parse_path_params(request)
    if operation.query is not None:
        values |= parse_query(request, operation.query)
    if operation.body is not None:
        values |= parse_body(request, operation)
    return values


def _method_not_allowed_view(allowed: str) -> Callable[[Any], Any]:
    def no_such_method(request: Any) -> Any:
        raise api_error("method-not-allowed", f"allowed: {allowed}", {"Allow": allowed})

    return no_such_method
