"""The network of a player, as a number: enough to tell networks apart, too little to find one.

A network is an IPv4 /24 or an IPv6 /48. Its keyed hash has 12 bits, so thousands of networks share
each bucket: even the database and the key together do not reveal the network of a player.
"""

import hashlib
import ipaddress
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.crew.server_keys import ServerKeys

NETWORK_BUCKETS = 4096
KEY_NAME = "player-network"
IPV4_DOTS, IPV6_PREFIX_BITS = 3, 48


class PlayerNetworks:
    """The buckets of players' networks, by a key that all processes share."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._key: bytes | None = None

    def bucket(self, address: str | None) -> int | None:
        """Return the bucket of an address's network; see :func:`network_bucket`."""
        if self._key is None:
            with self._sessions() as db:
                self._key = ServerKeys(db).get(KEY_NAME)
        return network_bucket(address, self._key)


def network_bucket(address: str | None, key: bytes) -> int | None:
    """Return the bucket of the network of an address; ``None`` if the address is unknown.

    :param key: shared by all processes, so that they agree.
    """
    prefix = _network_prefix(address or "")
    if not prefix:
        return None
    digest = hashlib.blake2b(prefix.encode(), digest_size=4, key=key).digest()
    return int.from_bytes(digest, "big") % NETWORK_BUCKETS


def _network_prefix(address: str) -> str:
    """Return the part of an address that its network has in common; "" if it is no address."""
    # ipaddress takes as long as the rest of the claims; every report needs this.
    if ":" not in address:
        return address.rpartition(".")[0] if address.count(".") == IPV4_DOTS else ""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return ""
    if parsed.ipv4_mapped is not None:
        return _network_prefix(str(parsed.ipv4_mapped))
    return f"{int(parsed) >> (128 - IPV6_PREFIX_BITS):x}"


def includeme(config: Any) -> None:
    """Create ``request.registry["player_networks"]``."""
    config.registry["player_networks"] = PlayerNetworks(config.registry["db.sessions"])
