"""SSRF guard: connects to public addresses, and to private ones on an allow list.

The URLs of feeds, posts and webhooks come from other people; a name in them may resolve to a
private address, and a response may redirect to one. So every connection resolves its host name
once, checks the addresses, and connects to a checked address.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

from streaming_system.net.request_deadline import MAX_IDLE_CONNECTIONS, DeadlineConnection

SETTING = "outbound.allowed_private_networks"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

# For hosts that the operator configures: those of the site itself.
ALLOW_ALL: Networks = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

# IPv6 addresses that embed an IPv4 address (RFC 6052, RFC 8215).
_NAT64_NETWORKS = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
)
# Azure serves the metadata of a machine at a public address, other clouds at private ones.
_METADATA_ADDRESSES = frozenset({ipaddress.IPv4Address("168.63.129.16")})


class NetworkSettingError(ValueError):
    """The allow list has an invalid address or network; the message is one line."""


class BlockedAddressError(HTTPError):
    """A private address that is not on the allow list; the message says how to allow it."""


def parse_allowed_networks(settings: Mapping[str, str]) -> Networks:
    """Return the private networks that the ini file allows.

    :raises NetworkSettingError: if one of them is invalid.
    """
    words = settings.get(SETTING, "").replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as error:
        raise NetworkSettingError(
            f"{SETTING} in the ini file: {error}; allowed: addresses and networks such as "
            "10.0.5.0/24"
        ) from None


def safe_pool_manager(networks: Networks = (), **options: Any) -> urllib3.PoolManager:
    """Return a pool that connects to public addresses only, also after redirects.

    :param networks: allowed private networks: see :func:`parse_allowed_networks`.
    :param options: those of :class:`urllib3.PoolManager`.
    """

    class SafeHttpConnection(_SafeConnection):
        allowed_networks = networks

    class SafeHttpsConnection(_SafeConnection, HTTPSConnection):
        allowed_networks = networks

    class SafeHttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = SafeHttpConnection

    class SafeHttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = SafeHttpsConnection

    pool = urllib3.PoolManager(**{"maxsize": MAX_IDLE_CONNECTIONS} | options)
    pool.pool_classes_by_scheme = {"http": SafeHttpPool, "https": SafeHttpsPool}
    return pool


def is_global_address(address: Address) -> bool:
    """Return whether an address is routed on the public internet, and not a cloud's own."""
    if address in _METADATA_ADDRESSES:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            return is_global_address(embedded)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(address in network for network in _NAT64_NETWORKS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class _SafeConnection(DeadlineConnection):
    """A connection to a checked address."""

    allowed_networks: ClassVar[Networks] = ()

    def open_socket(self) -> socket.socket:
        """Return a socket that is connected to a checked address."""
        failure: Exception = NewConnectionError(self, f"{self.host} has no address")
        for address in self._resolve():
            try:
                connection = create_connection(
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
                return connection
        raise failure

    def _resolve(self) -> Iterator[str]:
        """Return the allowed addresses of the host.

        The caller connects to these addresses: a second lookup could return others.
        """
        host = self.host.strip("[]")
        try:
            results = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            raise LocationParseError(f"{self.host!r:.80} is no name of a host") from None
        addresses = list(dict.fromkeys(str(result[4][0]) for result in results))
        allowed = [a for a in addresses if self._is_allowed(ipaddress.ip_address(a))]
        if not allowed:
            resolved = "" if addresses[0] == host else f" is {addresses[0]}, which"
            raise BlockedAddressError(
                f"{host:.80}{resolved} is no public address; if that is right, name it in "
                f"{SETTING} of the ini file"
            )
        return iter(allowed)

    def _is_allowed(self, address: Address) -> bool:
        ipv4_or_6 = getattr(address, "ipv4_mapped", None) or address
        return is_global_address(address) or any(
            ipv4_or_6 in network for network in self.allowed_networks
        )
