"""The URL of the server that counts the requests of clients."""

from urllib.parse import urlsplit


def parse_storage_url(text: str) -> str:
    """Validate the URL of a server; an empty text is no server.

    :raises ValueError: if it is invalid.
    """
    parts = urlsplit(text)
    if text and (
        parts.scheme not in ("redis", "rediss", "redis+unix")
        or not (parts.hostname or parts.path.startswith("/"))
        or parts.port == 0
    ):
        raise ValueError(text)
    return text
