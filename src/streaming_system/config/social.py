"""The rules for where people talk about a room: chats, posts, feedback."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from streaming_system.config.model import MastodonFeed

HASHTAG_PATTERN = re.compile(r"[#＃](\w{1,100})")
_MATRIX_ALIAS = re.compile(r"[#!][^\s:/?#]{1,200}:[A-Za-z0-9.:-]{1,200}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def validate_posts(value: Any) -> MastodonFeed | None:
    """Return where posts are asked for: an object, or ``"#hashtag@server"``, or the server alone.

    The hashtag is "" where the value names none.

    :raises ValueError: with what is allowed.
    """
    if not value:
        return None
    if isinstance(value, dict) and set(value) <= {"server", "hashtag", ""}:
        server, hashtag = value.get("server"), value.get("hashtag") or ""
    elif isinstance(value, str):
        hashtag, _, server = value.strip().rpartition("@")
        server = server if "://" in server else f"https://{server}"
    else:
        server, hashtag = None, ""
    address = _split_url(server)
    tag = re.fullmatch(r"#?(\w{0,100})", hashtag) if isinstance(hashtag, str) else None
    if address is None or tag is None or not _is_server_url(address):
        raise ValueError(
            f"is {value!r:.80}; allowed: "
            '{"server": "https://mastodon.social", "hashtag": "ourconf"}, '
            '"#ourconf@mastodon.social", or the server alone if twitter has the hashtag'
        )
    return MastodonFeed(server=f"{address.scheme}://{address.netloc.lower()}", hashtag=tag[1])


def validate_matrix_alias(value: Any) -> str:
    """Return the address of a Matrix room, or "" for none.

    :raises ValueError: with what is allowed.
    """
    if not value:
        return ""
    if not isinstance(value, str) or not _MATRIX_ALIAS.fullmatch(value):
        raise ValueError(f"is {value!r:.80}; allowed: an address such as #ourconf:matrix.org")
    return value


def url_template_validator(
    *places: str, schemes: tuple[str, ...] = ("https",)
) -> Callable[[Any], str]:
    """Return what reads an address with places in braces; "" stands for none.

    It raises ``ValueError`` with what is allowed.
    """

    def read(value: Any) -> str:
        if not value:
            return ""
        address = _split_url(value)
        rest = _PLACEHOLDER.sub(lambda place: "" if place[1] in places else place[0], str(value))
        sound = rest.isprintable() and not set(rest) & set("{} ")
        if address and sound and address.scheme in schemes:
            # A host with a place in it could be anybody's.
            if _HOST.fullmatch(address.netloc):
                return str(value)
            if address.scheme == "mailto" and "@" in address.path:
                return str(value)
        raise ValueError(
            f"is {value!r:.80}; allowed: an address that begins with {' or '.join(schemes)}, in "
            f"which {', '.join(f'{{{place}}}' for place in places)} may stand behind the host"
        )

    return read


def expand_url_template(url_template_validator: str, **values: str) -> str:
    """Return an address with its places filled."""
    return _PLACEHOLDER.sub(
        lambda place: quote(values.get(place[1], ""), safe=""), url_template_validator
    )


def _split_url(value: Any) -> SplitResult | None:
    if not isinstance(value, str):
        return None
    try:
        address = urlsplit(value)
        # Looking at the port is what checks it.
        return None if address.port == 0 else address
    except ValueError:
        return None


def _is_server_url(address: SplitResult) -> bool:
    secure = address.scheme == "https" or (
        address.scheme == "http" and address.hostname in _LOOPBACK_HOSTS
    )
    bare = not (address.path.rstrip("/") or address.query or address.fragment)
    return secure and bare and bool(_HOST.fullmatch(address.netloc))
