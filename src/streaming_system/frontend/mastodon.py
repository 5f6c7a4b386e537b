"""Posts with a hashtag from a Mastodon server: asked for all viewers together, by this site.

The API is https://docs.joinmastodon.org/methods/timelines/#tag. Whatever it says is a stranger's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import nh3
import urllib3

from streaming_system.config import ConferenceConfig, MastodonFeed
from streaming_system.frontend.tracker_client import REQUEST_HEADERS, PolledResource
from streaming_system.net.ssrf import Networks, safe_pool_manager
from streaming_system.util.sanitize import sanitise_url, strip_unprintable

MAX_POSTS = 20
REFRESH_INTERVAL = 60.0  # seconds
MAX_STALENESS = 900.0
TIMEOUT = urllib3.Timeout(connect=2, read=3)
BODY_TIMEOUT = 4.0  # seconds
MAX_BODY_BYTES = 2 * 2**20
MAX_POST_CHARS = 20_000
MAX_NAME_CHARS = 80
MAX_WARNING_CHARS = 300

# Text and links: nothing that a browser would fetch by itself.
_HTML_SANITIZER = nh3.Cleaner(
    tags={"a", "blockquote", "br", "code", "del", "em", "li", "ol", "p", "pre", "strong", "ul"},
    attributes={"a": {"href"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


@dataclass(frozen=True, kw_only=True)
class Post:
    """What somebody wrote.

    :param author: the name that they chose.
    :param account: their address in the fediverse, "@user@host".
    :param url: the post's own page.
    :param html: sanitised, fit for a page.
    :param warning: what its author warns of; "" for nothing.
    :param sensitive: its author wants nobody to see it by accident.
    :param attachments: how many pictures, sounds and videos belong to it.
    """

    author: str
    account: str
    url: str
    created: datetime
    html: str
    warning: str = ""
    sensitive: bool = False
    language: str = ""
    attachments: int = 0


def create_feeds(
    conference: ConferenceConfig, networks: Networks
) -> Mapping[MastodonFeed, PolledResource[tuple[Post, ...]]]:
    """Return who is asked for the posts about the rooms; rooms with one hashtag share it.

    :param networks: the private addresses that may be asked.
    """
    wanted = {room.posts for room in conference.rooms.values()} - {None}
    return {
        posts: PolledResource(
            posts.server,
            f"/api/v1/timelines/tag/{quote(posts.hashtag, safe='')}?limit={MAX_POSTS}",
            partial(parse_timeline, source=posts),
            fresh_for=REFRESH_INTERVAL,
            known_for=MAX_STALENESS,
            pool=safe_pool_manager(
                networks, timeout=TIMEOUT, retries=False, headers=REQUEST_HEADERS
            ),
            longest=BODY_TIMEOUT,
            largest=MAX_BODY_BYTES,
        )
        for posts in wanted
        if posts is not None
    }


def parse_timeline(document: Any, source: MastodonFeed) -> tuple[Post, ...]:
    """Return the posts of a timeline, newest first, without replies and boosts."""
    if not isinstance(document, list):
        raise ValueError("a timeline is a list")
    found = sorted(_parse_statuses(document, source), key=lambda post: post.created, reverse=True)
    return tuple(found[:MAX_POSTS])


def _parse_statuses(document: list[Any], source: MastodonFeed) -> Iterator[Post]:
    for status in document:
        try:
            post = _parse_status(status, source)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            # One that nobody understands takes none of the others away.
            continue
        if post is not None:
            yield post


def _parse_status(status: Any, source: MastodonFeed) -> Post | None:
    account = status["account"]
    is_own = status.get("reblog") is None and status.get("in_reply_to_id") is None
    is_shown = status.get("visibility", "public") == "public" and not (
        account.get("limited") or account.get("suspended")
    )
    created = datetime.fromisoformat(status["created_at"])
    if not is_own or not is_shown:
        return None
    if created.tzinfo is None or not 2000 < created.year < 2200:
        raise ValueError("no time that a page could show")
    name = _single_line(account["acct"], 200)
    if "@" not in name:
        # People of the server that is asked have none of its name in theirs.
        name = f"{name}@{source.server.partition('://')[2]}"
    warning = _single_line(status.get("spoiler_text") or "", MAX_WARNING_CHARS)
    return Post(
        author=_single_line(account.get("display_name") or account["username"], MAX_NAME_CHARS),
        account=f"@{name}",
        url=sanitise_url(str(status.get("url") or status.get("uri") or "")),
        created=created,
        html=_sanitize(status["content"]),
        warning=warning,
        sensitive=bool(status.get("sensitive")) or bool(warning),
        language=str(status.get("language") or ""),
        attachments=len(status.get("media_attachments") or ()),
    )


def _single_line(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise TypeError("is no text")
    line = " ".join(strip_unprintable(value[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _sanitize(value: str) -> str:
    cut = strip_unprintable(value[:MAX_POST_CHARS])
    if len(value) > MAX_POST_CHARS and "<" in cut:
        # A tag that the cut has torn would show as text.
        cut = cut.rpartition("<")[0]
    return _HTML_SANITIZER.clean(cut).strip()
