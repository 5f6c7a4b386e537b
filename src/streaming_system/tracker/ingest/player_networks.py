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
_PREFIX_LENGTHS = {4: 24, 6: 48}


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
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    prefix = int(parsed) >> (parsed.max_prefixlen - _PREFIX_LENGTHS[parsed.version])
    text = b"%d %d" % (parsed.version, prefix)
    digest = hashlib.blake2b(text, digest_size=4, key=key).digest()
    return int.from_bytes(digest, "big") % NETWORK_BUCKETS


def includeme(config: Any) -> None:
    """Create ``request.registry["player_networks"]``."""
    config.registry["player_networks"] = PlayerNetworks(config.registry["db.sessions"])
