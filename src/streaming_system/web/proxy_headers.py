"""Takes the viewer's address from the proxy before us: for servers that do not do it themselves.

waitress does, by its own settings; this is the same for gunicorn.
"""

from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.proxy_headers import proxy_headers_middleware

DEFAULT_HEADERS = "x-forwarded-for x-forwarded-proto x-forwarded-host"


def proxy_headers_filter(
    global_conf: dict[str, str], trusted_proxy: str = "127.0.0.1", headers: str = DEFAULT_HEADERS
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Return a filter of PasteDeploy: ``use = egg:streaming-system#behind_proxy``.

    :param trusted_proxy: the address of the one proxy that is believed; what others say of
        themselves is dropped.
    :param headers: which of its headers it sets.
    """

    def behind(app: WSGIApplication) -> Any:
        return proxy_headers_middleware(
            app, trusted_proxy=trusted_proxy, trusted_proxy_headers=set(headers.split())
        )

    return behind
