"""Pages that are the same for everybody until the schedule changes: rendered once, then kept."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from pyramid.response import Response

from streaming_system.schedule.model import Schedule

# A page of a large event has some 300 kB.
MOST_PAGES = 64


class KeptPages:
    """The pages that have been asked for lately, of one version of the schedule.

    :param most: how many of them.
    """

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._pages: OrderedDict[Hashable, tuple[bytes, str]] = OrderedDict()

    def get(
        self, schedule: Schedule, key: Hashable, render: Callable[[], str]
    ) -> tuple[bytes, str]:
        """Return a page and its entity tag."""
        with self._lock:
            if schedule is not self._schedule:
                self._pages.clear()
                self._schedule = schedule
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
        # Others are not kept waiting meanwhile; two at once render the same.
        page = tagged(render())
        with self._lock:
            if schedule is self._schedule:
                self._pages[key] = page
                while len(self._pages) > self._most:
                    self._pages.popitem(last=False)
        return page


def tagged(text: str) -> tuple[bytes, str]:
    """Return a page as it is sent, and an entity tag that changes when it does."""
    body = text.encode()
    return body, hashlib.sha256(body).hexdigest()[:24]


def answer(request: Any, page: tuple[bytes, str], media_type: str = "text/html") -> Response:
    """Return the answer with a page; it is empty if the browser has the page already."""
    body, tag = page
    response = Response(body, content_type=media_type, charset="utf-8", request=request)
    response.etag = tag
    response.conditional_response = True
    return response
