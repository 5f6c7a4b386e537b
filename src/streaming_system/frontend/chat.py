"""Where people chat about a room: addresses, which nobody's browser asks for by itself."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from streaming_system.config import Room
from streaming_system.config.social import expand_url_template

# The clients of IRC networks; any other network has the one that takes them all.
_WEB_CLIENT_TEMPLATES = {
    "libera.chat": "https://web.libera.chat/#{channel}",
    "hackint.org": "https://webirc.hackint.org/#irc://irc.hackint.org/#{channel}",
    "oftc.net": "https://webchat.oftc.net/?channels={channel}",
}
_FEDERATED_ACCOUNT = re.compile(r"@?([\w.-]{1,64})@([A-Za-z0-9.-]{1,200})", re.ASCII)
_DEFAULT_WEB_CLIENT = "https://kiwiirc.com/nextclient/{network}/#{channel}"


@dataclass(frozen=True, kw_only=True)
class ChatLinks:
    """The addresses of a room's chat; "" for what it does not have.

    :param web: a client for the browser, which pages may frame.
    :param irc: for programs that speak IRC.
    :param channel: its name, and that of its network.
    :param matrix: for programs that speak Matrix.
    :param log: what was said.
    :param account: who announces what happens.
    """

    web: str = ""
    irc: str = ""
    channel: str = ""
    network: str = ""
    matrix: str = ""
    matrix_name: str = ""
    log: str = ""
    account: str = ""

    @property
    def host(self) -> str:
        """Who hears of a viewer that opens the client."""
        return urlsplit(self.web).hostname or ""

    @property
    def first(self) -> str:
        """Where a link to the chat leads."""
        return self.web or self.matrix or self.irc

    def __bool__(self) -> bool:
        return bool(self.first or self.log)


def chat_links(room: Room) -> ChatLinks:
    """Return where people chat about a room."""
    channel = (room.ircchannel or room.channel).strip()
    # "##c" is another channel than "#c".
    name = channel if channel.startswith("##") else channel.removeprefix("#")
    irc = bool(channel and room.ircnetwork)
    web = room.chat
    if not web and irc:
        web = _web_client_template(room.ircnetwork) if room.webchat is None else room.webchat
    matrix = f"https://matrix.to/#/{quote(room.matrix, safe=':!')}" if room.matrix else ""
    return ChatLinks(
        web=expand_url_template(
            web, room=room.id, network=room.ircnetwork, channel=name, matrix=room.matrix
        ),
        irc=f"irc://{room.ircnetwork}/{quote(name, safe='')}" if irc else "",
        channel=channel if irc else "",
        network=room.ircnetwork if irc else "",
        matrix=matrix,
        matrix_name=room.matrix,
        log=room.irclog,
        account=_account_url(room.twitter_announce),
    )


def _account_url(name: str) -> str:
    """Return the page of an account, which is ``@user@host``, or ``@user`` of Twitter's."""
    if not name:
        return ""
    if federated := _FEDERATED_ACCOUNT.fullmatch(name):
        return f"https://{federated[2]}/@{federated[1]}"
    return f"https://twitter.com/{quote(name.lstrip('@'), safe='')}"


def _web_client_template(network: str) -> str:
    known = (
        address
        for domain, address in _WEB_CLIENT_TEMPLATES.items()
        if network == domain or network.endswith(f".{domain}")
    )
    return next(known, _DEFAULT_WEB_CLIENT)
