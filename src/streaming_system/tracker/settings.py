"""The keys of ``[app:tracker]``, turned into values once."""

from collections.abc import Mapping
from typing import Any

from pyramid.settings import asbool

from streaming_system import rooms

DEFAULT_ENDPOINT_URL = "http://{host}:8080/"


class StartError(Exception):
    """The tracker cannot start, with one line that says what, where and what to do."""


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the app, with the checked configuration as ``conference``.

    =============================== ====================================================
    ``conference``                  the :class:`rooms.Config` that the JSON files hold
    ``endpoint.url``                the address of a stream server, with ``{host}`` in it
    ``endpoint.remote_addr_field``  believe the form field ``REMOTE_ADDR``
    =============================== ====================================================

    :raises StartError: with one line for whoever must mend it.
    """
    try:
        conference = rooms.from_settings(settings)
    except rooms.ConfigError as error:
        raise StartError(str(error)) from None
    _check_secret(conference.site.secret, asbool(settings.get("secret.allow_example")))
    url = settings.get("endpoint.url", DEFAULT_ENDPOINT_URL)
    if not url.startswith(("http://", "https://")) or url.count("{host}") != 1:
        raise StartError(
            f"endpoint.url in the ini file is {url!r}; "
            f"allowed: an address with {{host}} in it, such as {DEFAULT_ENDPOINT_URL}"
        )
    return {
        **settings,
        "conference": conference,
        "endpoint.url": url,
        "endpoint.remote_addr_field": asbool(settings.get("endpoint.remote_addr_field")),
    }


def _check_secret(secret: str, allow_example: bool) -> None:
    if not secret:
        raise StartError("config.private.json: section 'config': key 'secret': set one")
    if secret == rooms.EXAMPLE_SECRET and not allow_example:
        raise StartError(
            "config.private.json: section 'config': key 'secret': is the example's, which "
            "everybody knows; allowed: any text of your own "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
