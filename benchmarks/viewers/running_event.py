"""A running event: its viewers, and the reports of its endpoints."""

import json
from collections.abc import Callable

from .event import Agenda, Endpoint, Event
from .intervals import CHECK_INTERVAL, DATA_TIMEOUT, register_interval
from .viewer import Viewer

BITRATE = 2_500_000

# Client.send, or the fake of a test.
SendRequest = Callable[..., None]


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

    def begin(self) -> list[Viewer]:
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

    def _viewer(self) -> Viewer:
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
