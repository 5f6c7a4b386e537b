"""The rules that ``balance.py`` compares, and the fleet of endpoints that they assign to."""

import bisect
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig, Room, SiteConfig
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.ingest.endpoint_report import EndpointReport, EndpointState
from streaming_system.tracker.ingest.endpoints import ingest
from streaming_system.tracker.models import Base, Player

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
BITS_PER_VIEWER = 2_000_000  # bit/s
GBIT = 10**9


@dataclass
class SimulatedFleet:
    """The true state of the endpoints, which the tracker only knows from reports.

    :param assigned: viewers that were assigned to each endpoint.
    :param connecting: viewers that are about to connect, with their times.
    :param connected: viewers that each endpoint serves.
    """

    capacities: Sequence[float]
    random: random.Random
    assigned: list[int] = field(default_factory=list)
    connecting: list[tuple[float, int]] = field(default_factory=list)
    connected: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.assigned = [0] * len(self.capacities)
        self.connected = [0] * len(self.capacities)

    def assign(self, number: int, moment: float) -> None:
        self.assigned[number] += 1
        bisect.insort(self.connecting, (moment + self.random.uniform(0.5, 2.5), number))

    def arrivals(self, moment: float) -> Iterator[tuple[float, int]]:
        """Yield the viewers that connect until then."""
        while self.connecting and self.connecting[0][0] <= moment:
            arrived, number = self.connecting.pop(0)
            self.connected[number] += 1
            yield arrived, number

    def unevenness(self, among: Sequence[int]) -> float:
        shares = [self.assigned[n] / self.capacities[n] for n in among]
        mean = sum(self.assigned[n] for n in among) / sum(self.capacities[n] for n in among)
        return max(shares) / mean


class AssignmentRule(ABC):
    """A rule that chooses endpoints, given the reports of endpoints and players."""

    def __init__(self, world: SimulatedFleet) -> None:
        self.world = world

    @abstractmethod
    def report(self, number: int, moment: float) -> None:
        """Process an endpoint's report."""

    def joined(self, number: int, moment: float) -> None:  # noqa: B027 - Optional.
        """Process the first report of a player."""

    @abstractmethod
    def choose(self, moment: float) -> int:
        """Return the endpoint of the next viewer."""


class LeastBitrateRule(AssignmentRule):
    """The least bitrate at the last report."""

    def __init__(self, world: SimulatedFleet) -> None:
        super().__init__(world)
        self.reported = [0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        self.reported[number] = self.world.connected[number]

    def choose(self, moment: float) -> int:
        return self.reported.index(min(self.reported))


class FadingGuessRule(LeastBitrateRule):
    """MistServer's rule: assigned viewers are added, and fade by a quarter with each report."""

    def __init__(self, world: SimulatedFleet) -> None:
        super().__init__(world)
        self.guess = [0.0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        super().report(number, moment)
        self.guess[number] *= 0.75

    def choose(self, moment: float) -> int:
        chosen = min(
            range(len(self.reported)),
            key=lambda n: (self.reported[n] + self.guess[n]) / self.world.capacities[n],
        )
        self.guess[chosen] += 1
        return chosen


class CapacityRule(AssignmentRule):
    """Random selection by capacity."""

    def report(self, number: int, moment: float) -> None:
        pass

    def choose(self, moment: float) -> int:
        [chosen] = self.world.random.choices(
            range(len(self.world.capacities)), self.world.capacities
        )
        return chosen


class TrackerRule(AssignmentRule):
    """The tracker's services with their own database."""

    def __init__(self, world: SimulatedFleet, reporting: bool = True) -> None:
        super().__init__(world)
        self.reporting = reporting
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Base.metadata.create_all(engine)
        self.db = Session(engine)
        self.endpoints = Endpoints(self.db)
        self.players = 0

    def close(self) -> None:
        self.db.close()
        self.db.get_bind().dispose()

    def report(self, number: int, moment: float) -> None:
        viewers = self.world.connected[number]
        report = EndpointReport(
            room="hall",
            name=str(number),
            state=EndpointState(
                host=f"10.0.0.{number}", capacity=int(self.world.capacities[number] * GBIT)
            ),
            clients=viewers,
            bitrate=viewers * BITS_PER_VIEWER,
            cbitrate=viewers * BITS_PER_VIEWER,
            stream_metrics={},
            now=to_datetime(moment),
        )
        ingest(ensure_write_transaction(self.db), [report])
        self.db.commit()

    def joined(self, number: int, moment: float) -> None:
        if not self.reporting:
            return
        self.players += 1
        zeros = dict.fromkeys(("played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors"), 0)
        self.db.execute(
            sa.insert(Player).values(
                sid=str(self.players),
                room="hall",
                endpoint=str(number),
                format="hls",
                quality="",
                begun=to_datetime(moment),
                moved=to_datetime(moment),
                last_seen=to_datetime(moment),
                until=to_datetime(moment + 600),
                **zeros,
            )
        )
        self.db.commit()


class ServerSideRule(TrackerRule):
    """``stream.js``: the tracker chooses, and counts its assignments."""

    def choose(self, moment: float) -> int:
        endpoint = self.endpoints.assign_viewer(rooms=["hall"], now=to_datetime(moment))
        assert endpoint is not None
        self.db.commit()
        return int(endpoint.name)


class ClientSideRule(TrackerRule):
    """``ROOM/streams.json``: players pick by weight from a list that is up to a second old."""

    def __init__(self, world: SimulatedFleet, reporting: bool = True) -> None:
        super().__init__(world, reporting)
        room = Room(id="hall", title="Hall")
        conference = ConferenceConfig(
            site=SiteConfig(secret=""), default=room, rooms={"hall": room}
        )
        self.directory = StreamDirectory(self.endpoints, conference, "http://{host}/")
        self.room = room
        self.listed_at = float("-inf")
        self.numbers: list[int] = []
        self.weights: list[int] = []

    def choose(self, moment: float) -> int:
        if moment - self.listed_at >= 1:
            self.listed_at = moment
            offers = self.directory.room(self.room, now=to_datetime(moment))
            self.numbers = [int(offer.endpoint.name) for offer in offers]
            self.weights = [offer.weight for offer in offers]
            self.db.commit()
        [chosen] = self.world.random.choices(self.numbers, self.weights)
        return chosen


def to_datetime(moment: float) -> datetime:
    return NOON + timedelta(seconds=moment)
