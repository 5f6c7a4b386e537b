"""Addresses of the site's own pages in exports, and how an import recognises them."""

import re
import uuid

from streaming_system.schedule.model import Slot

# Exports name this program as their generator.
GENERATOR = "streaming-system"
PRODID = f"-//{GENERATOR}//schedule//EN"
# The object of a JSON export with the fields that its schema cannot carry, by guid of the talk.
EXTENSION_KEY = "streaming_system"
STREAM_LINK_TITLE = "Live stream"
ROOM_LINK_TITLE = "The room's page"

_NAMESPACE = uuid.UUID("3c0f7b7e-1d0a-5a59-8f5b-7b1c7c1f5a11")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


def talk_id(talk: Slot) -> str:
    """Return the id of a talk in URLs: its guid, or a hash of a guid that needs escaping."""
    return talk.guid if _SAFE_ID.fullmatch(talk.guid) else str(uuid.uuid5(_NAMESPACE, talk.guid))


def talk_page(site_url: str, talk: Slot) -> str:
    """Return the URL of a talk's page.

    :param site_url: base URL of the site, without a slash at its end.
    """
    return f"{site_url}/talk/{talk_id(talk)}"


def is_talk_page(site_url: str, url: str) -> bool:
    """Return whether a URL is the page of a talk on a site."""
    return url.startswith(f"{site_url}/talk/")


def is_site_link(site_url: str, title: str, url: str) -> bool:
    """Return whether an export has added a link to the site's pages."""
    return title in (STREAM_LINK_TITLE, ROOM_LINK_TITLE) and url.startswith(f"{site_url}/")
