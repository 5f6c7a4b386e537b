"""Takes the client's address from the proxy's headers, for gunicorn.

waitress has its own settings for this.
"""

from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.proxy_headers import proxy_headers_middleware

DEFAULT_HEADERS = "x-forwarded-for x-forwarded-proto x-forwarded-host"


def proxy_headers_filter(
    global_conf: dict[str, str], trusted_proxy: str = "127.0.0.1", headers: str = DEFAULT_HEADERS
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Return a PasteDeploy filter: ``use = egg:streaming-system#behind_proxy``.

    :param trusted_proxy: the IP address of the proxy; the headers of other clients are removed.
    :param headers: the headers that the proxy sets, separated by spaces.
    """

    def wrap(app: WSGIApplication) -> Any:
        return proxy_headers_middleware(
            app, trusted_proxy=trusted_proxy, trusted_proxy_headers=set(headers.split())
        )

    return wrap
