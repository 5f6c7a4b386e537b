"""Queries of URLs in a canonical form, so that equal questions share a cached response."""

from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, unquote_plus

# Of RFC 3986, and "%": what is encoded stays so.
_URL_CHARS = "%!$&'()*+,;=:@/?"

# Returns the canonical form of a value, or ``None`` to leave the parameter out.
ValueNormaliser = Callable[[str], str | None]


def normalise_query(query: str, params: Mapping[str, ValueNormaliser]) -> str:
    """Return the known parameters of a query: each once, in the order of ``params``.

    The first value of several counts. A value that is not UTF-8 stays as it is: the app refuses it.
    """
    if not query:
        return ""
    values: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in params:
            values.setdefault(name, value)
    pairs = (
        (name, _normalise_value(values[name], normalise))
        for name, normalise in params.items()
        if name in values
    )
    return "&".join(f"{name}={value}" for name, value in pairs if value is not None)


def quote_query(query: str) -> str:
    """Return a query with the characters that a URL allows.

    :param query: as WSGI has it, in Latin-1.
    """
    return quote(query, safe=_URL_CHARS, encoding="latin-1")


def _normalise_value(value: str, normalise: ValueNormaliser) -> str | None:
    try:
        text = unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return value
    normalised = normalise(text)
    return None if normalised is None else quote_plus(normalised)


def not_empty(value: str) -> str | None:
    """Leave an empty value out."""
    return value or None


def up_to(max_chars: int) -> ValueNormaliser:
    """Return a normaliser that leaves empty and long values out."""
    return lambda value: value if 0 < len(value) <= max_chars else None
