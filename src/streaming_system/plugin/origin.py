"""The origin of a feed: the program that wrote it, and the base of its relative URLs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from streaming_system.plugin.markup import (
    html_from_html,
    html_from_unknown_markup,
    join_abstracts,
)
from streaming_system.schedule.model import Link
from streaming_system.schedule.site_links import (
    EXTENSION_KEY,
    GENERATOR,
    PRODID,
    is_site_link,
    is_talk_page,
)


@dataclass(frozen=True, kw_only=True)
class FeedOrigin:
    """The program that wrote a feed, and the base URL in it.

    An export of this program has abstracts in HTML, and links to pages of its site, which are no
    part of the schedule.
    """

    generator: str = ""
    base_url: str = ""

    @classmethod
    def of_json(cls, document: Any, base_url: object) -> "FeedOrigin":
        """Return the origin of a schedule.json of either version."""
        generator = document.get("generator")
        name = generator.get("name") if isinstance(generator, dict) else ""
        return cls(
            generator=name if isinstance(name, str) else "",
            base_url=base_url.strip() if isinstance(base_url, str) else "",
        )

    @classmethod
    def of_calendar(cls, product: str, base_url: str = "") -> "FeedOrigin":
        """Return the origin of a calendar with a ``PRODID``."""
        return cls(generator=GENERATOR if product == PRODID else product, base_url=base_url)

    @property
    def is_own_export(self) -> bool:
        """Whether this program has written the feed."""
        return self.generator == GENERATOR

    @property
    def site_url(self) -> str:
        """The base URL without a slash at its end."""
        return self.base_url.rstrip("/")

    def extensions(self, schedule: Any) -> dict[str, dict[str, Any]]:
        """Return the fields of talks that the schema of an own export cannot carry, by guid."""
        extensions = schedule.get(EXTENSION_KEY) if self.is_own_export else None
        items = extensions.items() if isinstance(extensions, dict) else ()
        return {guid: fields for guid, fields in items if isinstance(fields, dict)}

    def abstract(self, texts: Iterable[str]) -> str:
        """Render the abstract and the description of a talk as HTML."""
        return join_abstracts(
            texts, html_from_html if self.is_own_export else html_from_unknown_markup
        )

    def absolute_url(self, url: str) -> str:
        """Return a URL joined to the base URL; "" if it is empty or invalid."""
        if url.startswith(("http://", "https://")):
            return url
        try:
            return urljoin(self.base_url, url) if url else ""
        except ValueError:
            return ""

    def talk_url(self, url: str) -> str:
        """Return the absolute URL of a talk; "" for its page on the site of an own export."""
        absolute = self.absolute_url(url)
        return "" if self.is_own_export and is_talk_page(self.site_url, absolute) else absolute

    def links(self, links: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
        """Return links with absolute URLs, without links to the site of an own export.

        :param links: pairs of URL and title.
        """
        absolute = ((self.absolute_url(url), title) for url, title in links)
        return tuple(
            Link(url=url, title=title)
            for url, title in absolute
            if url and not (self.is_own_export and is_site_link(self.site_url, title, url))
        )
