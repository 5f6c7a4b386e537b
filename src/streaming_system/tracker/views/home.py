"""The tracker's own address."""

from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPNotFound
from pyramid.view import view_config

from streaming_system.tracker.error_pages import prefers_html


@view_config(route_name="home", http_cache=0)
def redirect_home(request: Any) -> HTTPFound:
    """Redirect people to the monitor; for programs, nothing is at this address.

    :raises HTTPNotFound: for programs.
    """
    if not prefers_html(request):
        raise HTTPNotFound("there is nothing at this address")
    return HTTPFound(f"{request.shell.home}monitor", headers=[("Vary", "Accept")])
