"""The requests of a viewer's page and player, with the intervals of the named scripts."""

import json
import uuid
from collections.abc import Callable

from .event import (
    FIRST_VISIT_SHARE,
    INDEX_SECONDS,
    INDEX_SHARE,
    MEAN_STAY,
    Agenda,
    Endpoint,
    Event,
    pick_weighted,
)

# live-updates.js: POLL_INTERVAL, and the jitter of pollIn.
POLL_INTERVAL, POLL_JITTER = 5.0, (0.8, 1.2)
# live-updates.js: the delays of scheduleRefetch and refreshInSpread (5 fetches per millisecond).
CHANGE_DELAY, FETCHES_PER_SECOND, MIN_SPREAD, MAX_SPREAD = 1.0, 5000.0, 4.0, 60.0
# playback-reporter.js: the jitter of send().
REPORT_JITTER = (0.9, 1.0)
# playback-supervisor.js: DATA_TIMEOUT and CHECK_INTERVAL.
DATA_TIMEOUT, CHECK_INTERVAL = 4.0, 0.5
# player/hls.js: an unavailable playlist fails at once.
REFUSED_DELAY = 0.2
# The time from the list of endpoints to the first frame.
STARTUP = 0.8
# docs/playback.md: how the tracker calculates the report interval.
TARGET_RATE, MIN_INTERVAL, MAX_INTERVAL = 20.0, 5.0, 60.0
# conf/streaming-agent: the report interval of endpoints.
REGISTER_INTERVAL = 10.0
# The tracker expires an endpoint a minute after its last report, by its own clock.
MAX_REGISTER_INTERVAL = 50.0
BITRATE = 2_500_000

PLAYBACK = (
    '{"v":2,"sid":"%s","cdn":"%s","format":"hls","quality":"720p","msd":%d,"played":%d,"bsa":%d,'
    '"bsda":%d,"dfa":0,"errors":0,"sta":"%s","bg":false}'
)


# Client.send, or the fake of a test.
SendRequest = Callable[..., None]


def spread(viewers: int) -> float:
    """Return the seconds within which all pages are fetched when talks change."""
    return min(max(viewers / FETCHES_PER_SECOND, MIN_SPREAD), MAX_SPREAD)


def report_interval(viewers: int) -> float:
    """Return the tracker's report interval for players, in seconds."""
    return min(max(viewers / TARGET_RATE, MIN_INTERVAL), MAX_INTERVAL)


def register_interval(second: float) -> float:
    """Return the report interval of endpoints, in seconds of the event.

    :param second: seconds of the event per second of the tracker.
    """
    return min(REGISTER_INTERVAL, MAX_REGISTER_INTERVAL * second)


class RunningEvent:
    """A running event.

    :param send: sends a request to the site.
    :param files: for ``index`` and ``room``, the files of a page, and those that are revalidated.
    :param second: seconds of the event per second of the tracker.
    :param token: the endpoints' token.
    """

    def __init__(
        self,
        event: Event,
        agenda: Agenda,
        send: SendRequest,
        *,
        files: dict[str, tuple[list[str], list[tuple[str, str]]]],
        second: float,
        token: str,
    ) -> None:
        self.event, self.agenda, self.send, self.files = event, agenda, send, files
        self.second, self.token = second, token
        self.random = event.random
        self.servers = {endpoint.name: endpoint for endpoint in event.endpoints}
        self.present: set[Viewer] = set()
        self.watched = 0.0
        # When the dead endpoint left the lists, and how often it was still assigned later.
        self.gone_at: float | None = None
        self.assigned_to_dead = 0
        self.moved = 0
        self.came = 0
        # The last list and its body: within a second all viewers get the same.
        self._list: tuple[bytes, list[dict]] = (b"", [])

    def begin(self) -> list["Viewer"]:
        """Schedule all actions; return the viewers that are present from the start."""
        event, interval = self.event, register_interval(self.second)
        for endpoint in event.endpoints:
            self.agenda.after(
                self.random.uniform(0, interval), lambda endpoint=endpoint: self.register(endpoint)
            )
        self.agenda.after(event.dies_at, self.kill_endpoint)
        seated = [self._viewer() for _ in range(event.seated)]
        by_room: dict[str, list[Endpoint]] = {}
        for endpoint in event.endpoints:
            by_room.setdefault(endpoint.room, []).append(endpoint)
        for viewer in seated:
            viewer.be_seated(self.random.choice(by_room[viewer.room]))
        for moment in event.arrivals():
            self.agenda.after(moment, self._add_viewer)
        return seated

    def _viewer(self) -> "Viewer":
        self.came += 1
        return Viewer(self, self.came)

    def _add_viewer(self) -> None:
        self._viewer().arrive()

    def register(self, endpoint: Endpoint, done: Callable[[int, bytes], object] | None = None):
        """Register an endpoint, and schedule its next report."""
        if not endpoint.alive:
            return
        clients = len(endpoint.viewers)
        body = {"url": f"https://{endpoint.name}.example.org/live/", "formats": ["hls"],
                "qualities": ["720p"], "capacity": 10**10, "clients": clients,
                "bitrate": clients * BITRATE}  # fmt: skip
        self.send(
            "register",
            f"/tracker/api/v1/rooms/{endpoint.room}/endpoints/{endpoint.name}",
            f"192.0.2.{endpoint.name[4:]}",
            done,
            method="PUT",
            body=json.dumps(body),
            headers=f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n",
        )
        if done is None:
            self.agenda.after(register_interval(self.second), lambda: self.register(endpoint))

    def kill_endpoint(self) -> None:
        """Kill an endpoint without deregistration; its players detect that."""
        dead = self.event.dying
        dead.alive = False
        for viewer in dead.viewers:
            delay = DATA_TIMEOUT + self.random.uniform(0, CHECK_INTERVAL)
            self.agenda.after(delay, viewer.on_silence)

    def parse_list(self, room: str, body: bytes, requested_at: float) -> list[dict]:
        """Return the endpoints of a list, and record whether it contains the dead one."""
        if body != self._list[0]:
            self._list = (body, json.loads(body)["endpoints"])
        servers = self._list[1]
        dead = self.event.dying
        if room == dead.room and not dead.alive:
            is_listed = any(server["name"] == dead.name for server in servers)
            if is_listed and self.gone_at is not None and requested_at > self.gone_at:
                self.assigned_to_dead += 1
            if not is_listed and self.gone_at is None:
                self.gone_at = self.agenda.now
        return servers

    def end(self) -> None:
        """Count the time of the viewers that are still present."""
        for viewer in self.present:
            self.watched += self.event.seconds - viewer.came_at


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

    def __init__(self, show: RunningEvent, number: int) -> None:
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
