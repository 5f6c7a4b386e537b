"""Which addresses a thumbnail may come from.

Endpoints register arbitrary URLs, and their streams can redirect and refer to other servers. The
previewer runs beside services that trust its address.
"""

import ipaddress
from urllib.parse import urlsplit

from streaming_system.agent.config_section import ConfigSection
from streaming_system.net.filtering_proxy import Admits
from streaming_system.net.ssrf import Address, Networks, is_global_address

_DEFAULT_PORTS = {"http": 80, "https": 443}
KEY = "networks"
PUBLIC = "public"
ALLOWED = f"addresses and networks such as 10.0.5.0/24, or {PUBLIC}"


class AddressPolicy:
    """The addresses that ``networks`` in ``[preview]`` admits.

    :param admits_public: whether all public addresses are admitted.
    """

    def __init__(self, networks: Networks = (), *, admits_public: bool = False) -> None:
        self.networks, self.admits_public = networks, admits_public

    def for_stream(self, url: str, *, is_configured: bool) -> Admits:
        """Return a function that decides about the connections for a stream.

        The server of the stream's own URL is admitted, too: at any address if agent.ini names the
        URL, else at a public address.
        """
        parts = urlsplit(url)
        own_server = (parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme))

        def admits(host: str, port: int, address: Address) -> bool:
            is_own = (host.lower(), port) == own_server
            if is_own and is_configured:
                return True
            if (is_own or self.admits_public) and is_global_address(address):
                return True
            ipv4_or_6 = getattr(address, "ipv4_mapped", None) or address
            return any(ipv4_or_6 in network for network in self.networks)

        return admits


def parse_address_policy(section: ConfigSection) -> AddressPolicy:
    """Return the policy of ``[preview]``.

    :raises AgentConfigError: if a network is invalid.
    """
    words = " ".join(section.lines(KEY)).replace(",", " ").split()
    networks = []
    for word in words:
        if word == PUBLIC:
            continue
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError:
            raise section.error(KEY, word, ALLOWED) from None
    return AddressPolicy(tuple(networks), admits_public=PUBLIC in words)
