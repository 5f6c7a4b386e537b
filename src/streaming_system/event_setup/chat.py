"""Parses the address of an event's chat."""

import re
from collections.abc import Mapping

from streaming_system.config.social import url_template_validator, validate_matrix_alias
from streaming_system.util.validation import describe_invalid, is_host

ALLOWED_CHAT = (
    "an IRC channel such as irc.libera.chat/#ourconf, a Matrix room such as #ourconf:matrix.org, "
    "or the https address of a chat that can be framed"
)
_validate_chat_url = url_template_validator("room", "network", "channel", "matrix")
_IRC = re.compile(r"(?:ircs?://)?([A-Za-z0-9.-]+)/(#?[^\s,/#]{1,100})")


def parse_chat(text: str) -> Mapping[str, str]:
    """Return the keys of the configuration for a chat; none for "".

    :raises ValueError: with the allowed values.
    """
    text = text.strip()
    if not text:
        return {}
    match = _IRC.fullmatch(text)
    if match and is_host(match[1]):
        return {"ircnetwork": match[1], "ircchannel": f"#{match[2].removeprefix('#')}"}
    try:
        if text.startswith("https://"):
            return {"chat": _validate_chat_url(text)}
        return {"matrix": validate_matrix_alias(text)}
    except ValueError:
        raise ValueError(describe_invalid(text, ALLOWED_CHAT)) from None
