"""What a viewer's page and player ask, and when: as the scripts named beside the intervals."""

import json
import uuid
from collections.abc import Callable

from .event import BY_INDEX, FIRST_VISITS, LOOKS_AT_INDEX, STAYS, Agenda, Endpoint, Event, draw

# site.js: ASK_EVERY, and what askIn makes of it.
ASK_EVERY, ASK_BETWEEN = 5.0, (0.8, 1.2)
# site.js: planChange waits a second, and takeTurn for its turn: FETCHES of 5 in a millisecond.
AFTER_A_CHANGE, FETCHES, SHORTEST_SPREAD, LONGEST_SPREAD = 1.0, 5000.0, 4.0, 60.0
# quality.js: send() takes what the tracker says, or a little less.
REPORT_BETWEEN = (0.9, 1.0)
# keeper.js: SILENT_FOR, and LOOK_EVERY.
SILENT_FOR, LOOK_EVERY = 4.0, 0.5
# player/hls.js: a list of segments that cannot be had fails at once.
REFUSED_AFTER = 0.2
# No script's: from the list of servers to the first picture.
STARTUP = 0.8
# docs/playback.md: what the tracker's answer is made of, to seat those who are there already.
REPORTS_A_SECOND, SHORTEST, LONGEST = 20.0, 5.0, 60.0
# conf/streaming-agent: an endpoint says every ten seconds that it is there.
REGISTER_EVERY = 10.0
# The tracker forgets it a minute after its last word, by its own clock.
HEARD_OF_WITHIN = 50.0
BITRATE = 2_500_000

PLAYBACK = (
    '{"v":2,"sid":"%s","cdn":"%s","format":"hls","quality":"720p","msd":%d,"played":%d,"bsa":%d,'
    '"bsda":%d,"dfa":0,"errors":0,"sta":"%s","bg":false}'
)


# Asks the site, as Client.ask does; a test has its own.
Ask = Callable[..., None]


def spread(viewers: int) -> float:
    """Return within how many seconds all pages are fetched when talks change."""
    return min(max(viewers / FETCHES, SHORTEST_SPREAD), LONGEST_SPREAD)


def report_every(viewers: int) -> float:
    """Return how many seconds the tracker lets a player wait, at most."""
    return min(max(viewers / REPORTS_A_SECOND, SHORTEST), LONGEST)


def register_every(second: float) -> float:
    """Return how often an endpoint reports, in seconds of an event.

    :param second: how many of them pass in one of the tracker's.
    """
    return min(REGISTER_EVERY, HEARD_OF_WITHIN * second)


class Show:
    """An event under way.

    :param ask: asks the site.
    :param files: what a browser without a cache asks for with a page, and what it asks for again
        later, by ``index`` and ``room``.
    :param second: how many seconds of the event pass in one of the tracker's.
    :param token: what endpoints show to register.
    """

    def __init__(
        self,
        event: Event,
        agenda: Agenda,
        ask: Ask,
        *,
        files: dict[str, tuple[list[str], list[tuple[str, str]]]],
        second: float,
        token: str,
    ) -> None:
        self.event, self.agenda, self.ask, self.files = event, agenda, ask, files
        self.second, self.token = second, token
        self.random = event.random
        self.servers = {endpoint.name: endpoint for endpoint in event.endpoints}
        self.present: set[Viewer] = set()
        self.watched = 0.0
        # From when on no list names the dead server, and how often somebody was sent there later.
        self.gone_at: float | None = None
        self.sent_to_the_dead = 0
        self.moved = 0
        self.came = 0
        # Of one second, all get the same list.
        self._list: tuple[bytes, list[dict]] = (b"", [])

    def begin(self) -> list["Viewer"]:
        """Plan everything; return those who are there already."""
        event, within = self.event, register_every(self.second)
        for endpoint in event.endpoints:
            self.agenda.after(
                self.random.uniform(0, within), lambda one=endpoint: self.register(one)
            )
        self.agenda.after(event.dies_at, self.dies)
        seated = [self._viewer() for _ in range(event.seated)]
        by_room: dict[str, list[Endpoint]] = {}
        for endpoint in event.endpoints:
            by_room.setdefault(endpoint.room, []).append(endpoint)
        for one in seated:
            one.is_seated(self.random.choice(by_room[one.room]))
        for moment in event.arrivals():
            self.agenda.after(moment, self._comes)
        return seated

    def _viewer(self) -> "Viewer":
        self.came += 1
        return Viewer(self, self.came)

    def _comes(self) -> None:
        self._viewer().comes()

    def register(self, endpoint: Endpoint, done: Callable[[int, bytes], object] | None = None):
        """Say that an endpoint is there, and go on doing so."""
        if not endpoint.alive:
            return
        clients = len(endpoint.viewers)
        body = {"url": f"https://{endpoint.name}.example.org/live/", "formats": ["hls"],
                "qualities": ["720p"], "capacity": 10**10, "clients": clients,
                "bitrate": clients * BITRATE}  # fmt: skip
        self.ask(
            "register",
            f"/tracker/api/v1/rooms/{endpoint.room}/endpoints/{endpoint.name}",
            f"192.0.2.{endpoint.name[4:]}",
            done,
            method="PUT",
            body=json.dumps(body),
            more=f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n",
        )
        if done is None:
            self.agenda.after(register_every(self.second), lambda: self.register(endpoint))

    def dies(self) -> None:
        """Let an endpoint die without a word; its players see it by themselves."""
        dead = self.event.dying
        dead.alive = False
        for viewer in dead.viewers:
            wait = SILENT_FOR + self.random.uniform(0, LOOK_EVERY)
            self.agenda.after(wait, viewer.sees_silence)

    def listed(self, room: str, body: bytes, asked_at: float) -> list[dict]:
        """Return the servers of a list, and see whether it names the dead one."""
        if body != self._list[0]:
            self._list = (body, json.loads(body)["endpoints"])
        servers = self._list[1]
        dead = self.event.dying
        if room == dead.room and not dead.alive:
            names_it = any(one["name"] == dead.name for one in servers)
            if names_it and self.gone_at is not None and asked_at > self.gone_at:
                self.sent_to_the_dead += 1
            if not names_it and self.gone_at is None:
                self.gone_at = self.agenda.now
        return servers

    def end(self) -> None:
        """Count those who are still there."""
        for viewer in self.present:
            self.watched += self.event.seconds - viewer.came_at


class Viewer:
    """Somebody with a page open, and a player in it."""

    __slots__ = (
        "address", "avoided", "came_at", "endpoint", "kept", "number", "page", "played", "room",
        "show", "sid", "since", "stalls", "stood", "turn",
    )  # fmt: skip

    def __init__(self, show: Show, number: int) -> None:
        self.show, self.number = show, number
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.room = show.event.room()
        self.sid = str(uuid.UUID(int=show.random.getrandbits(128), version=4))
        # Of which pages the browser has the files: all that have been there on another day.
        self.kept = "" if show.random.random() < FIRST_VISITS else "index room"
        self.page = ""
        # What was planned before it goes for nothing: another page, another server, or away.
        self.turn = 0
        self.endpoint: Endpoint | None = None
        self.avoided: str | None = None
        self.since: float | None = None
        self.played = self.stood = 0.0
        self.stalls = 0
        self.came_at = show.agenda.now

    # The page.

    def comes(self) -> None:
        """Open the first page."""
        self._is_here()
        if self.show.random.random() < BY_INDEX:
            self._opens("index")
            self.show.agenda.after(self.show.random.uniform(*LOOKS_AT_INDEX), self._enters)
        else:
            self._enters()

    def is_seated(self, endpoint: Endpoint) -> None:
        """Be here since the talk before: the page is open, and the player plays."""
        show = self.show
        self._is_here()
        self.page = "room"
        self.endpoint, self.since = endpoint, show.agenda.now
        endpoint.viewers.add(self)
        self.played = show.random.uniform(60, 1800)
        show.agenda.after(show.random.uniform(0, ASK_EVERY), self._asks)
        wait = show.random.uniform(0, report_every(show.event.seated))
        show.agenda.after(wait, lambda: self._reports_by(0))
        self._plans_change()

    def _is_here(self) -> None:
        self.show.present.add(self)
        self.show.agenda.after(self.show.random.expovariate(1 / STAYS), self.leaves)

    def _enters(self) -> None:
        if self in self.show.present:
            self._opens("room")

    def _opens(self, page: str) -> None:
        self.page = page
        path = "/" if page == "index" else f"/{self.room}"
        self.show.ask("page", path, self.address, lambda *_: self._has(page))

    def _has(self, page: str) -> None:
        """The page is here: its files are fetched, and its scripts begin."""
        if self not in self.show.present:
            return
        files, again = self.show.files[page]
        if page in self.kept:
            for path, etag in again:
                self.show.ask("asset", path, self.address, more=f"If-None-Match: {etag}\r\n")
        else:
            known = set(self.show.files["index"][0]) if "index" in self.kept else ()
            for path in files:
                if path not in known:
                    self.show.ask("asset", path, self.address)
            self.kept += page
        if page == "room":
            self._chooses()
        if self.page == page:
            self._asks(page)
        self._plans_change()

    def _asks(self, page: str = "room") -> None:
        """Ask which rooms are live, and again in a while (site.js: ask)."""
        if self in self.show.present and self.page == page:
            self.show.ask(
                "list", "/tracker/streams.json", self.address, lambda *_: self._asks_again(page)
            )

    def _asks_again(self, page: str) -> None:
        wait = ASK_EVERY * self.show.random.uniform(*ASK_BETWEEN)
        self.show.agenda.after(wait, lambda: self._asks(page))

    def _plans_change(self) -> None:
        """Fetch the page again when talks change (site.js: planChange, takeTurn)."""
        now = self.show.agenda.now
        later = [talk for talk in self.show.event.talks if talk > now]
        if later:
            turn = self.show.random.uniform(0, spread(self.show.event.viewers))
            page = self.page
            self.show.agenda.after(
                later[0] - now + AFTER_A_CHANGE + turn, lambda: self._refreshes(page)
            )

    def _refreshes(self, page: str) -> None:
        if self not in self.show.present or self.page != page:
            return
        path = "/" if page == "index" else f"/{self.room}"
        self.show.ask("now/next", path, self.address, lambda *_: self._plans_change())

    def leaves(self) -> None:
        """Close the page; a player says goodbye (quality.js: pagehide)."""
        if self.endpoint is not None:
            self._says("q")
            self.endpoint.viewers.discard(self)
        self.turn += 1
        self.show.present.discard(self)
        self.show.watched += self.show.agenda.now - self.came_at

    # The player.

    def _chooses(self) -> None:
        """Ask for the room's servers, and draw one (keeper.js: next)."""
        if self not in self.show.present:
            return
        self.turn += 1
        turn, asked_at = self.turn, self.show.agenda.now
        self.show.ask(
            "room list",
            f"/tracker/{self.room}/streams.json",
            self.address,
            lambda status, body: self._gets(turn, asked_at, status, body),
            reads=True,
        )

    def _gets(self, turn: int, asked_at: float, status: int, body: bytes) -> None:
        if turn != self.turn:
            return
        if status != 200:
            self.show.agenda.after(1.0, self._chooses)
            return
        servers = self.show.listed(self.room, body, asked_at)
        name = draw(servers, self.avoided, self.show.random.random())
        server = self.show.servers.get(name or "")
        if server is None or not server.alive:
            self.avoided = name
            self.show.agenda.after(REFUSED_AFTER, self._chooses)
        else:
            self.show.agenda.after(STARTUP, lambda: self._plays(turn, server))

    def _plays(self, turn: int, server: Endpoint) -> None:
        if turn != self.turn:
            return
        if self.endpoint is not None:
            self.endpoint.viewers.discard(self)
            self.show.moved += 1
        self.endpoint = server
        server.viewers.add(self)
        now = self.show.agenda.now
        if self.since is not None:
            self.stood += now - self.since
        self.since = now
        if not server.alive:
            self.sees_silence()
        self._reports_by(turn)

    def sees_silence(self) -> None:
        """The server says nothing any more: look for another one (keeper.js: fails)."""
        if self.endpoint is None or self.endpoint.alive or self not in self.show.present:
            return
        self.avoided = self.endpoint.name
        now = self.show.agenda.now
        if self.since is not None:
            self.played += max(0.0, now - self.since)
            self.since = now
        self.stalls += 1
        self._chooses()

    def _reports_by(self, turn: int) -> None:
        """Report, and again when the tracker wishes (quality.js: send)."""
        if turn == self.turn and self in self.show.present:
            self._says("p", lambda status, body: self._hears(turn, status, body))

    def _hears(self, turn: int, status: int, body: bytes) -> None:
        if status == 200:
            wait = json.loads(body)["next"] * self.show.second
            wait *= self.show.random.uniform(*REPORT_BETWEEN)
            self.show.agenda.after(wait, lambda: self._reports_by(turn))

    def _says(self, state: str, done: Callable[[int, bytes], object] | None = None) -> None:
        assert self.endpoint is not None
        played = self.played + (self.show.agenda.now - (self.since or 0.0))
        body = PLAYBACK % (self.sid, self.endpoint.name, 1000 * STARTUP, 1000 * played,
                           self.stalls, 1000 * self.stood, state)  # fmt: skip
        self.show.ask(
            "report",
            f"/tracker/api/v1/rooms/{self.room}/playback",
            self.address,
            done,
            method="POST",
            body=body,
            more="Content-Type: text/plain;charset=UTF-8\r\n",
            reads=done is not None,
        )
