"""Validators of chats, posts and feedback forms."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from streaming_system.config.model import MastodonFeed
from streaming_system.util.validation import describe_invalid

HASHTAG_PATTERN = re.compile(r"[#＃](\w{1,100})")
_MATRIX_ALIAS = re.compile(r"[#!][^\s:/?#]{1,200}:[A-Za-z0-9.:-]{1,200}")
MATRIX_SCHEMA = {"type": "string", "pattern": f"^{_MATRIX_ALIAS.pattern}$"}
POSTS_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "": True,
                "server": {"type": "string", "description": "the origin of a Mastodon server"},
                "hashtag": {"anyOf": [{"type": "string"}, {"enum": [False, None]}]},
            },
            "required": ["server"],
            "additionalProperties": False,
        },
    ]
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
# The value of `feedback` for the site's own form.
INTERNAL_FEEDBACK = "internal"
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def validate_posts(value: Any) -> MastodonFeed | None:
    """Return the feed that a value names.

    Accepted formats: an object, ``"#hashtag@server"``, or the server alone; then the hashtag is
    "".

    :raises ValueError: with the allowed values.
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
    url = _split_url(server)
    tag = re.fullmatch(r"#?(\w{0,100})", hashtag) if isinstance(hashtag, str) else None
    if url is None or tag is None or not _is_server_url(url):
        allowed = (
            '{"server": "https://mastodon.social", "hashtag": "ourconf"}, '
            '"#ourconf@mastodon.social", or the server alone if twitter has the hashtag'
        )
        raise ValueError(describe_invalid(value, allowed))
    return MastodonFeed(server=f"{url.scheme}://{url.netloc.lower()}", hashtag=tag[1])


def validate_matrix_alias(value: Any) -> str:
    """Return the alias or id of a Matrix room; "" for none.

    :raises ValueError: with the allowed values.
    """
    if not value:
        return ""
    if not isinstance(value, str) or not _MATRIX_ALIAS.fullmatch(value):
        raise ValueError(describe_invalid(value, "an address such as #ourconf:matrix.org"))
    return value


def url_template_validator(
    *placeholders: str, schemes: tuple[str, ...] = ("https",), words: tuple[str, ...] = ()
) -> Callable[[Any], str]:
    """Return a validator of URLs with placeholders in braces; "" stands for no URL.

    :param words: texts that are allowed instead of a URL.

    The validator raises ``ValueError`` with the allowed values.
    """

    def validate_url_template(value: Any) -> str:
        if not value or value in words:
            return value or ""
        url = _split_url(value)
        rest = _PLACEHOLDER.sub(
            lambda match: "" if match[1] in placeholders else match[0], str(value)
        )
        is_clean = rest.isprintable() and not set(rest) & set("{} ")
        if url and is_clean and url.scheme in schemes:
            # The pattern rejects placeholders in the host: the host must be a fixed one.
            if _HOST.fullmatch(url.netloc):
                return str(value)
            if url.scheme == "mailto" and "@" in url.path:
                return str(value)
        names = ", ".join(f"{{{name}}}" for name in placeholders)
        allowed = (
            f"an address that begins with {' or '.join(schemes)}, in which {names} may stand "
            "behind the host"
        )
        allowed += "".join(f', or "{word}"' for word in words)
        raise ValueError(describe_invalid(value, allowed))

    return validate_url_template


def url_template_schema(*schemes: str, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the URL templates of some schemes, or one of some words, as JSON Schema."""
    url = rf"(?:{'|'.join(schemes)}):[^\s]+"
    return {
        "type": "string",
        "pattern": f"^(?:{'|'.join((url, *words))})$" if words else f"^{url}$",
    }


def expand_url_template(template: str, **values: str) -> str:
    """Return a URL with its placeholders replaced by quoted values."""
    return _PLACEHOLDER.sub(lambda match: quote(values.get(match[1], ""), safe=""), template)


def _split_url(value: Any) -> SplitResult | None:
    if not isinstance(value, str):
        return None
    try:
        url = urlsplit(value)
        # The property raises ValueError for an invalid port.
        return None if url.port == 0 else url
    except ValueError:
        return None


def _is_server_url(url: SplitResult) -> bool:
    is_secure = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK_HOSTS)
    is_bare = not (url.path.rstrip("/") or url.query or url.fragment)
    return is_secure and is_bare and bool(_HOST.fullmatch(url.netloc))
