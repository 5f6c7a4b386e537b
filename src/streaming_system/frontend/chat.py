"""Links to the chats about a room. Browsers open them only at the viewer's request."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from streaming_system.config import Room
from streaming_system.config.social import expand_url_template

# Web clients of IRC networks; the default client connects to any other network.
_WEB_CLIENT_TEMPLATES = {
    "libera.chat": "https://web.libera.chat/#{channel}",
    "hackint.org": "https://webirc.hackint.org/#irc://irc.hackint.org/#{channel}",
    "oftc.net": "https://webchat.oftc.net/?channels={channel}",
}
_FEDERATED_ACCOUNT = re.compile(r"@?([\w.-]{1,64})@([A-Za-z0-9.-]{1,200})", re.ASCII)
_DEFAULT_WEB_CLIENT = "https://kiwiirc.com/nextclient/{network}/#{channel}"


@dataclass(frozen=True, kw_only=True)
class ChatLinks:
    """The URLs of a room's chat; "" for a missing one.

    :param web_url: a web client, which pages may frame.
    :param irc_url: for IRC clients.
    :param channel: the name of the IRC channel.
    :param matrix_url: for Matrix clients.
    :param matrix_name: the alias of the Matrix room.
    :param log_url: the archive of the chat.
    :param account_url: the account that posts announcements.
    """

    web_url: str = ""
    irc_url: str = ""
    channel: str = ""
    network: str = ""
    matrix_url: str = ""
    matrix_name: str = ""
    log_url: str = ""
    account_url: str = ""

    @property
    def host(self) -> str:
        """The host of the web client, which sees the viewers that open it."""
        return urlsplit(self.web_url).hostname or ""

    @property
    def primary_url(self) -> str:
        """The target of a link to the chat."""
        return self.web_url or self.matrix_url or self.irc_url

    def __bool__(self) -> bool:
        return bool(self.primary_url or self.log_url)


def chat_links(room: Room) -> ChatLinks:
    """Return the links of a room."""
    channel = (room.ircchannel or room.channel).strip()
    # "##c" and "#c" are different channels.
    name = channel if channel.startswith("##") else channel.removeprefix("#")
    has_irc = bool(channel and room.ircnetwork)
    web = room.chat
    if not web and has_irc:
        web = _web_client_template(room.ircnetwork) if room.webchat is None else room.webchat
    matrix = f"https://matrix.to/#/{quote(room.matrix, safe=':!')}" if room.matrix else ""
    return ChatLinks(
        web_url=expand_url_template(
            web, room=room.id, network=room.ircnetwork, channel=name, matrix=room.matrix
        ),
        irc_url=f"irc://{room.ircnetwork}/{quote(name, safe='')}" if has_irc else "",
        channel=channel if has_irc else "",
        network=room.ircnetwork if has_irc else "",
        matrix_url=matrix,
        matrix_name=room.matrix,
        log_url=room.irclog,
        account_url=_account_url(room.twitter_announce),
    )


def _account_url(name: str) -> str:
    """Return the URL of an account: ``@user@host``, or ``@user`` of Twitter."""
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
