"""Posts with a hashtag from a Mastodon server, which this site polls for all viewers.

API: https://docs.joinmastodon.org/methods/timelines/#tag. Its content is untrusted.
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
from streaming_system.util.foreign_json import DocumentError
from streaming_system.util.json_object import FieldProblems
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

# Text and links only: nothing that a browser loads by itself.
_HTML_SANITIZER = nh3.Cleaner(
    tags={"a", "blockquote", "br", "code", "del", "em", "li", "ol", "p", "pre", "strong", "ul"},
    attributes={"a": {"href"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


@dataclass(frozen=True, kw_only=True)
class Post:
    """A post.

    :param author: the display name.
    :param account: the address in the fediverse, "@user@host".
    :param url: the page of the post.
    :param html: sanitised.
    :param warning: the content warning; "" for none.
    :param sensitive: hidden until the viewer opens it.
    :param attachments: the number of images, sounds and videos.
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


Timeline = PolledResource[tuple[Post, ...]]


def create_feeds(
    conference: ConferenceConfig, networks: Networks
) -> Mapping[MastodonFeed, Timeline]:
    """Return the timelines of all rooms; rooms with the same hashtag share one.

    :param networks: the allowed private networks.
    """
    feeds = {room.posts for room in conference.rooms.values()} - {None}
    return {
        feed: PolledResource(
            feed.server,
            f"/api/v1/timelines/tag/{quote(feed.hashtag, safe='')}?limit={MAX_POSTS}",
            partial(parse_timeline, feed=feed),
            refresh_interval=REFRESH_INTERVAL,
            max_staleness=MAX_STALENESS,
            pool=safe_pool_manager(
                networks, timeout=TIMEOUT, retries=False, headers=REQUEST_HEADERS
            ),
            body_timeout=BODY_TIMEOUT,
            max_body_bytes=MAX_BODY_BYTES,
        )
        for feed in feeds
        if feed is not None
    }


def parse_timeline(
    document: Any, problems: FieldProblems, *, feed: MastodonFeed
) -> tuple[Post, ...]:
    """Return the posts of a timeline, newest first, without replies and boosts.

    :raises DocumentError: if it is no timeline.
    """
    if not isinstance(document, list):
        raise DocumentError("is no list of posts, so it is not that of a Mastodon server")
    posts = sorted(
        _parse_statuses(document, problems, feed), key=lambda post: post.created, reverse=True
    )
    return tuple(posts[:MAX_POSTS])


def _parse_statuses(
    document: list[Any], problems: FieldProblems, feed: MastodonFeed
) -> Iterator[Post]:
    for index, status in enumerate(document):
        try:
            post = _parse_status(status, feed)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            # An invalid post does not affect the other posts.
            problems.add(f"posts[{index}]", "is no valid post")
            continue
        if post is not None:
            yield post


def _parse_status(status: Any, feed: MastodonFeed) -> Post | None:
    account = status["account"]
    is_original = status.get("reblog") is None and status.get("in_reply_to_id") is None
    is_public = status.get("visibility", "public") == "public" and not (
        account.get("limited") or account.get("suspended")
    )
    created = datetime.fromisoformat(status["created_at"])
    if not is_original or not is_public:
        return None
    if created.tzinfo is None or not 2000 < created.year < 2200:
        raise ValueError("the post has no valid time")
    name = _single_line(account["acct"], 200)
    if "@" not in name:
        # Accounts of the server itself come without its name.
        name = f"{name}@{feed.server.partition('://')[2]}"
    attachments = status.get("media_attachments")
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
        attachments=len(attachments) if isinstance(attachments, list) else 0,
    )


def _single_line(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    line = " ".join(strip_unprintable(value[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _sanitize(value: str) -> str:
    cut = strip_unprintable(value[:MAX_POST_CHARS])
    if len(value) > MAX_POST_CHARS and "<" in cut:
        # An incomplete tag would show as text.
        cut = cut.rpartition("<")[0]
    return _HTML_SANITIZER.clean(cut).strip()
