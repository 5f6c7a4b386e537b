"""Asks servers of others, and never by accident one that only this machine or its network reaches.

Feeds, posts and webhooks have addresses that other people choose, by a name that points elsewhere
or by an answer that leads on. What is connected to is checked, not what it is called: every
connection resolves its name once, and goes to an address that has been looked at.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

KEY = "outbound.private"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

# For what an operator has chosen by name: the hosts of the site itself.
ALLOW_ALL: Networks = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

# Behind these, an address of IPv6 leads to one of IPv4 (RFC 6052, RFC 8215).
_NAT64_NETWORKS = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
)


class NetworkSettingError(ValueError):
    """What is no address or network, with one line that says so."""


class BlockedAddressError(HTTPError):
    """An address that nobody from outside could ask, with one line that says how to allow it."""


def parse_allowed_networks(settings: Mapping[str, str]) -> Networks:
    """Return the addresses that may be asked though they are private: a key of the ini.

    :raises NetworkError: if one is none.
    """
    words = settings.get(KEY, "").replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as error:
        raise NetworkSettingError(
            f"{KEY} in the ini file: {error}; allowed: addresses and networks such as 10.0.5.0/24"
        ) from None


def safe_pool_manager(networks: Networks = (), **options: Any) -> urllib3.PoolManager:
    """Return a pool that connects to public addresses alone, also where an answer leads on.

    :param networks: what else may be asked: :func:`parse_allowed_networks`.
    :param options: those of :class:`urllib3.PoolManager`.
    """

    class Plain(_SafeConnection, HTTPConnection):
        allowed = networks

    class Secure(_SafeConnection, HTTPSConnection):
        allowed = networks

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    pool = urllib3.PoolManager(**options)
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool


def is_global_address(address: Address) -> bool:
    """Tell whether anybody on the internet reaches the same machine by it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded_ipv4(address)
        if inner is not None:
            return is_global_address(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the address of IPv4 that one of IPv6 stands for."""
    if any(address in network for network in _NAT64_NETWORKS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class _SafeConnection(HTTPConnection):
    """A connection to an address that has been looked at."""

    allowed: ClassVar[Networks] = ()

    def _new_conn(self) -> socket.socket:
        failure: Exception | None = None
        for address in self._addresses():
            try:
                connected = create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except TimeoutError as error:
                failure = ConnectTimeoutError(self, f"connecting to {self.host} takes too long")
                failure.__cause__ = error
            except OSError as error:
                failure = NewConnectionError(self, f"cannot connect to {self.host}: {error}")
                failure.__cause__ = error
            else:
                sys.audit("http.client.connect", self, self.host, self.port)
                return connected
        assert failure is not None  # noqa: S101 - There is an address, or an error before.
        raise failure

    def _addresses(self) -> Iterator[str]:
        """Return where the name points now; nobody is asked for it again before connecting."""
        host = self.host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            raise LocationParseError(f"{self.host!r:.80} is no name of a host") from None
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        good = [text for text in texts if self._may_be_asked(ipaddress.ip_address(text))]
        if not good:
            at = "" if texts[0] == host else f" is {texts[0]}, which"
            raise BlockedAddressError(
                f"{host:.80}{at} is no public address; if that is right, name it in {KEY} of the "
                "ini file"
            )
        return iter(good)

    def _may_be_asked(self, address: Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return is_global_address(address) or any(mapped in network for network in self.allowed)
