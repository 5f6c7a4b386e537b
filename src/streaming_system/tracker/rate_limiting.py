"""How often one address, and one token, may call.

Every process counts for itself: with several workers a caller may get each one's share. nginx
stands before them and limits what floods (``conf/nginx.conf``).
"""

import hashlib
import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from streaming_system.tracker.api.operations import OPERATIONS

# The rate that each call counts for: limit.reports, limit.reads and so on in the ini.
ROUTE_RATES: Mapping[tuple[str, str], str] = {
    ("POST", "endpoint.register"): "reports",
    ("POST", "endpoint.logs"): "reports",
    ("POST", "pipeline.report"): "reports",
    ("POST", "room.log"): "reports",
    ("GET", "endpoint.stats"): "reads",
    ("GET", "pipeline.stats"): "reads",
    ("GET", "graphs"): "graphs",
    ("GET", "streams.script"): "reads",
    ("GET", "streams.list"): "reads",
    ("GET", "room.streams"): "reads",
    ("GET", "stream.script"): "reads",
    ("GET", "metrics"): "reads",
    ("GET", "api.document"): "reads",
    ("GET", "api.manual"): "reads",
    ("POST", "admin.login"): "logins",
    ("POST", "admin.password"): "logins",
    **{(operation.method, operation.route): operation.limit for operation in OPERATIONS},
}


class RateLimitedError(Exception):
    """A call beyond the caller's share, and after how many seconds there is room again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many calls; wait {seconds} s")
        self.seconds = seconds


class RateLimiter:
    """Counts calls, in memory, by keyed hashes of who calls: no address is kept."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._rates = {
            name.removeprefix("limit."): rate
            for name, rate in settings.items()
            if name.startswith("limit.")
        }
        # Two counters for each caller, however many calls they may make.
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())
        # Nobody can find an address behind a hash without it, and it ends with the process.
        self._key = secrets.token_bytes(32)

    def count(self, rate: str, who: str) -> None:
        """Count a call of somebody.

        :param rate: which of the rates it counts for, such as ``reads``.
        :raises TooMany: if it is one too many.
        """
        allowed = self._rates[rate]
        if allowed is None:
            return
        name = who.encode("utf-8", "surrogatepass")
        hashed = hashlib.blake2b(name, digest_size=16, key=self._key).hexdigest()
        if not self._window.hit(allowed, rate, hashed):
            free_at = self._window.get_window_stats(allowed, rate, hashed).reset_time
            raise RateLimitedError(max(1, math.ceil(free_at - time.time())))


def client_key(address: str | None) -> str:
    """Return what counts as one address: of IPv6 the network, of which anybody has 2**64."""
    if ":" not in (address or ""):
        return str(address)
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return str(address)
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)


def includeme(config: Any) -> None:
    """Let every view of a route in :data:`ROUTE_RATES` count its calls."""
    config.registry["limiter"] = RateLimiter(config.get_settings())
    config.add_view_deriver(_rate_limit_deriver, "limited")


def _rate_limit_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    # A view of errors speaks about a call that has been counted.
    if info.exception_only:
        return view

    def limited(context: Any, request: Any) -> Any:
        method = "GET" if request.method == "HEAD" else request.method
        route = request.matched_route.name if request.matched_route else ""
        rate = ROUTE_RATES.get((method, route))
        if rate is not None:
            request.registry["limiter"].count(rate, client_key(request.remote_addr))
        return view(context, request)

    return limited
