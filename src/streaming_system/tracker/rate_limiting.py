"""Rate limits per client address and per token.

Each process counts on its own, so that a client gets the quota once per worker, unless the ini has
``limit.storage``. nginx in front limits floods (``conf/nginx.conf``).
"""

import hashlib
import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.db.session import write_transaction
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.rate_storage import RateWindows, SharedRateWindows

# The rate of each operation: limit.reports, limit.reads and so on in the ini file.
ROUTE_RATES: Mapping[tuple[str, str], str] = {
    ("POST", "endpoint.register"): "reports",
    ("POST", "endpoint.logs"): "reports",
    ("POST", "pipeline.report"): "reports",
    ("POST", "room.log"): "reports",
    ("POST", "talk.feedback"): "feedback",
    ("POST", "captions.push"): "captions",
    ("GET", "captions.seq"): "reads",
    ("GET", "captions.live"): "reads",
    ("GET", "captions.transcript"): "reads",
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
    ("POST", "admin.secondfactor"): "logins",
    ("POST", "admin.accounts"): "logins",
    **{(operation.method, operation.route): operation.limit for operation in OPERATIONS},
}


class RateLimitedError(Exception):
    """A request that exceeds the rate limit.

    :ivar seconds: until the client may send another request.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests; wait {seconds} s")
        self.seconds = seconds


class RateLimiter:
    """Counts requests. It stores keyed hashes of clients, and no address.

    :param windows: where it counts; default: in memory.
    :param key: the key of the hashes, which all workers that share the windows need; default: a key
        that ends with the process.
    """

    def __init__(
        self, settings: Mapping[str, Any], windows: RateWindows | None = None, key: bytes = b""
    ) -> None:
        self._rates = {
            name.removeprefix("limit."): rate
            for name, rate in settings.items()
            if name.startswith("limit.") and name != "limit.storage"
        }
        self._window = windows or RateWindows()
        # Addresses cannot be recovered from the hashes without this key.
        self._key = key or secrets.token_bytes(32)

    def hit(self, rate: str, client: str) -> None:
        """Count a request of a client.

        :param rate: the rate that it counts for, such as ``reads``.
        :raises RateLimitedError: if the limit is exceeded.
        """
        allowed = self._rates[rate]
        if allowed is None:
            return
        name = client.encode("utf-8", "surrogatepass")
        hashed = hashlib.blake2b(name, digest_size=16, key=self._key).hexdigest()
        reset_at = self._window.hit(allowed, rate, hashed)
        if reset_at is not None:
            raise RateLimitedError(max(1, math.ceil(reset_at - time.time())))


def client_key(address: str | None) -> str:
    """Return the key that an address is counted by: for IPv6 its /64, which one client owns.

    All clients without an address count as one.
    """
    if ":" not in (address or ""):
        return str(address)
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return str(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def includeme(config: Any) -> None:
    """Count the requests of every route in :data:`ROUTE_RATES`."""
    registry = config.registry
    registry["limiter"] = _create_limiter(registry, config.get_settings())
    registry["admit_player"] = lambda report: _admit_player(registry, report)
    config.add_view_deriver(_rate_limit_deriver, "limited")


def _create_limiter(registry: Any, settings: Mapping[str, Any]) -> RateLimiter:
    """Return the limiter of the ini.

    :raises StartupError: if ``limit.storage`` needs a package that is missing.
    """
    if not settings["limit.storage"]:
        return RateLimiter(settings)
    windows = SharedRateWindows(settings["limit.storage"])
    with write_transaction(registry["db.sessions"]) as db:
        return RateLimiter(settings, windows, ServerKeys(db).get("rate_limits"))


def _admit_player(registry: Any, report: PlayerReport) -> RateLimitedError | None:
    """Count a new player of an address; return why it is refused."""
    try:
        if report.client:
            registry["limiter"].hit("players", report.client)
    except RateLimitedError as error:
        registry["bounds"].on_reached("players_per_address")
        return error
    return None


def _rate_limit_deriver(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    # The request of an exception view has been counted already.
    if info.exception_only:
        return view

    def limited(context: Any, request: Any) -> Any:
        method = "GET" if request.method == "HEAD" else request.method
        route = request.matched_route.name if request.matched_route else ""
        rate = ROUTE_RATES.get((method, route))
        if rate is not None:
            request.registry["limiter"].hit(rate, _client(request, rate))
        return view(context, request)

    return limited


def _client(request: Any, rate: str) -> str:
    """Return the client that a request counts for.

    Log-ins from a browser that has logged in before have a count of their own: others of the same
    address, such as a venue's, cannot use it up.
    """
    if rate == "logins" and request.device.id:
        return f"device {request.device.id}"
    return client_key(request.remote_addr)
