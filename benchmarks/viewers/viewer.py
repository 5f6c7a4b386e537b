"""The requests of a viewer's page and player, like those of the named scripts."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from .event import (
    FIRST_VISIT_SHARE,
    INDEX_SECONDS,
    INDEX_SHARE,
    MEAN_STAY,
    Endpoint,
    pick_weighted,
)
from .intervals import (
    CHANGE_DELAY,
    POLL_INTERVAL,
    POLL_JITTER,
    REFUSED_DELAY,
    REPORT_JITTER,
    STARTUP,
    report_interval,
    spread,
)

if TYPE_CHECKING:
    from .running_event import RunningEvent

PLAYBACK = (
    '{"v":2,"sid":"%s","cdn":"%s","format":"hls","quality":"720p","msd":%d,"played":%d,"bsa":%d,'
    '"bsda":%d,"dfa":0,"errors":0,"sta":"%s","bg":false}'
)


class Viewer:
    """A viewer with an open page and its player."""

    __slots__ = (
        "address",
        "attempt",
        "avoided",
        "cached",
        "came_at",
        "endpoint",
        "interval_start",
        "number",
        "page",
        "played",
        "room",
        "show",
        "sid",
        "stalled",
        "stalls",
    )  # fmt: skip

    def __init__(self, show: "RunningEvent", number: int) -> None:
        self.show, self.number = show, number
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.room = show.event.room()
        self.sid = str(uuid.UUID(int=show.random.getrandbits(128), version=4))
        # The pages whose files are in the browser's cache: all for returning viewers.
        self.cached = "" if show.random.random() < FIRST_VISIT_SHARE else "index room"
        self.page = ""
        # Changes with another page or endpoint, or at the end; cancels earlier callbacks.
        self.attempt = 0
        self.endpoint: Endpoint | None = None
        self.avoided: str | None = None
        self.interval_start: float | None = None
        self.played = self.stalled = 0.0
        self.stalls = 0
        self.came_at = show.agenda.now

    # The page.

    def arrive(self) -> None:
        """Open the first page."""
        self._enter_event()
        if self.show.random.random() < INDEX_SHARE:
            self._open_page("index")
            self.show.agenda.after(self.show.random.uniform(*INDEX_SECONDS), self._enter_room)
        else:
            self._enter_room()

    def be_seated(self, endpoint: Endpoint) -> None:
        """Stay from the previous talk: the page is open, and the stream plays."""
        show = self.show
        self._enter_event()
        self.page = "room"
        self.endpoint, self.interval_start = endpoint, show.agenda.now
        endpoint.viewers.add(self)
        self.played = show.random.uniform(60, 1800)
        show.agenda.after(show.random.uniform(0, POLL_INTERVAL), self._poll)
        delay = show.random.uniform(0, report_interval(show.event.seated))
        show.agenda.after(delay, lambda: self._report_periodically(0))
        self._schedule_refetch()

    def _enter_event(self) -> None:
        self.show.present.add(self)
        self.show.agenda.after(self.show.random.expovariate(1 / MEAN_STAY), self.leave)

    def _enter_room(self) -> None:
        if self in self.show.present:
            self._open_page("room")

    def _open_page(self, page: str) -> None:
        self.page = page
        path = "/" if page == "index" else f"/{self.room}"
        self.show.send("page", path, self.address, lambda *_: self._load_files(page))

    def _load_files(self, page: str) -> None:
        """Fetch the files of a loaded page, and start its scripts."""
        if self not in self.show.present:
            return
        files, revalidated = self.show.files[page]
        if page in self.cached:
            for path, etag in revalidated:
                self.show.send("asset", path, self.address, headers=f"If-None-Match: {etag}\r\n")
        else:
            known = set(self.show.files["index"][0]) if "index" in self.cached else ()
            for path in files:
                if path not in known:
                    self.show.send("asset", path, self.address)
            self.cached += page
        if page == "room":
            self._choose_endpoint()
        if self.page == page:
            self._poll(page)
        self._schedule_refetch()

    def _poll(self, page: str = "room") -> None:
        """Fetch the live rooms, and repeat that later (live-updates.js: poll)."""
        if self in self.show.present and self.page == page:
            self.show.send(
                "list", "/tracker/streams.json", self.address, lambda *_: self._poll_later(page)
            )

    def _poll_later(self, page: str) -> None:
        delay = POLL_INTERVAL * self.show.random.uniform(*POLL_JITTER)
        self.show.agenda.after(delay, lambda: self._poll(page))

    def _schedule_refetch(self) -> None:
        """Fetch the page again when talks change (live-updates.js: scheduleRefetch)."""
        now = self.show.agenda.now
        later = [talk for talk in self.show.event.talks if talk > now]
        if later:
            delay = self.show.random.uniform(0, spread(self.show.event.viewers))
            page = self.page
            self.show.agenda.after(
                later[0] - now + CHANGE_DELAY + delay, lambda: self._refetch(page)
            )

    def _refetch(self, page: str) -> None:
        if self not in self.show.present or self.page != page:
            return
        path = "/" if page == "index" else f"/{self.room}"
        self.show.send("now/next", path, self.address, lambda *_: self._schedule_refetch())

    def leave(self) -> None:
        """Close the page; the player sends its end report (playback-reporter.js: pagehide)."""
        if self.endpoint is not None:
            self._report("q")
            self.endpoint.viewers.discard(self)
        self.attempt += 1
        self.show.present.discard(self)
        self.show.watched += self.show.agenda.now - self.came_at

    # The player.

    def _choose_endpoint(self) -> None:
        """Fetch the room's endpoints, and pick one (playback-supervisor.js: tryNext)."""
        if self not in self.show.present:
            return
        self.attempt += 1
        attempt, requested_at = self.attempt, self.show.agenda.now
        self.show.send(
            "room list",
            f"/tracker/{self.room}/streams.json",
            self.address,
            lambda status, body: self._on_list(attempt, requested_at, status, body),
            reads=True,
        )

    def _on_list(self, attempt: int, requested_at: float, status: int, body: bytes) -> None:
        if attempt != self.attempt:
            return
        if status != 200:
            self.show.agenda.after(1.0, self._choose_endpoint)
            return
        servers = self.show.parse_list(self.room, body, requested_at)
        name = pick_weighted(servers, self.avoided, self.show.random.random())
        server = self.show.servers.get(name or "")
        if server is None or not server.alive:
            self.avoided = name
            self.show.agenda.after(REFUSED_DELAY, self._choose_endpoint)
        else:
            self.show.agenda.after(STARTUP, lambda: self._play(attempt, server))

    def _play(self, attempt: int, server: Endpoint) -> None:
        if attempt != self.attempt:
            return
        if self.endpoint is not None:
            self.endpoint.viewers.discard(self)
            self.show.moved += 1
        self.endpoint = server
        server.viewers.add(self)
        now = self.show.agenda.now
        if self.interval_start is not None:
            self.stalled += now - self.interval_start
        self.interval_start = now
        if not server.alive:
            self.on_silence()
        self._report_periodically(attempt)

    def on_silence(self) -> None:
        """Switch to another endpoint after a data timeout (playback-supervisor.js: onFail)."""
        if self.endpoint is None or self.endpoint.alive or self not in self.show.present:
            return
        self.avoided = self.endpoint.name
        now = self.show.agenda.now
        if self.interval_start is not None:
            self.played += max(0.0, now - self.interval_start)
            self.interval_start = now
        self.stalls += 1
        self._choose_endpoint()

    def _report_periodically(self, attempt: int) -> None:
        """Report, and repeat that after the tracker's interval (playback-reporter.js: send)."""
        if attempt == self.attempt and self in self.show.present:
            self._report("p", lambda status, body: self._on_report_response(attempt, status, body))

    def _on_report_response(self, attempt: int, status: int, body: bytes) -> None:
        if status == 200:
            delay = json.loads(body)["next"] * self.show.second
            delay *= self.show.random.uniform(*REPORT_JITTER)
            self.show.agenda.after(delay, lambda: self._report_periodically(attempt))

    def _report(self, state: str, done: Callable[[int, bytes], object] | None = None) -> None:
        assert self.endpoint is not None
        played = self.played + (self.show.agenda.now - (self.interval_start or 0.0))
        body = PLAYBACK % (self.sid, self.endpoint.name, 1000 * STARTUP, 1000 * played,
                           self.stalls, 1000 * self.stalled, state)  # fmt: skip
        self.show.send(
            "report",
            f"/tracker/api/v1/rooms/{self.room}/playback",
            self.address,
            done,
            method="POST",
            body=body,
            headers="Content-Type: text/plain;charset=UTF-8\r\n",
            reads=done is not None,
        )
