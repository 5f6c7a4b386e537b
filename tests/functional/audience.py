"""A simulated audience: players that come and go, and a network that loses and repeats things."""

import heapq
import itertools
import random
import uuid
from dataclasses import dataclass

from streaming_system.tracker.ingest.player_report import PlayerReport

ROOMS = ("hall", "lab")
ENDPOINTS = ("one", "two", "cdn")
QUALITIES = ("high", "low")
# playback-reporter.js: REQUEST_TIMEOUT and MIN_BACKOFF.
GIVES_UP_AFTER, TRIES_AGAIN_AFTER = 3.0, 0.5
PLAYS_ON_FOR = 1.0


@dataclass(frozen=True, kw_only=True)
class Network:
    """The shares of reports that never arrive, whose answers do not, that come late, or twice."""

    lost: float = 0.03
    unanswered: float = 0.02
    late: float = 0.05
    twice: float = 0.05


class Viewer:
    """One open player. It follows the rules of playback-reporter.js, and some of its own fate."""

    def __init__(self, audience, room):
        self.audience, self.dice = audience, audience.dice
        self.sid = str(uuid.UUID(int=self.dice.getrandbits(128)))
        self.room = room
        self.endpoint, self.quality = self.dice.choice(ENDPOINTS), self.dice.choice(QUALITIES)
        self.begun, self.open, self.offline_until = audience.time, True, 0.0
        self.due = 0
        audience.open.add(self)
        audience.after(0, self.report, self.due)

    def report(self, due, leaving=False):
        """Send a report, unless another has been planned since."""
        if not (self.open or leaving) or due != self.due:
            return None
        report = PlayerReport(
            sid=self.sid,
            room=self.room,
            endpoint=self.endpoint,
            quality=self.quality,
            startup_ms=700,
            played_ms=round(1000 * (self.audience.time - self.begun)),
            leaving=leaving,
        )
        chance, network = self.dice.random(), self.audience.network
        if self.dice.random() < network.twice:
            self.audience.after(self.dice.uniform(0.1, 20), self.audience.deliver, report)
        if chance < network.lost or self.audience.time < self.offline_until:
            return self.plan(GIVES_UP_AFTER + TRIES_AGAIN_AFTER * self.dice.random())
        if chance < network.lost + network.late:
            return self.audience.after(self.dice.uniform(0.2, 2.5), self.send, report, chance)
        return self.send(report, chance)

    def send(self, report, chance):
        seconds = self.audience.deliver(report)
        if 1 - chance < self.audience.network.unanswered:
            seconds = GIVES_UP_AFTER + TRIES_AGAIN_AFTER
        if not report.leaving:
            self.plan(seconds)

    def plan(self, seconds):
        self.due += 1
        self.audience.after(seconds, self.report, self.due)

    def report_now(self):
        self.due += 1
        self.report(self.due)

    def switch(self):
        """Play another quality, or from another endpoint."""
        if self.open:
            self.endpoint = self.dice.choice(ENDPOINTS)
            self.quality = self.dice.choice(QUALITIES)
            self.report_now()

    def move(self):
        """Go to another room: by another page, or within the page."""
        if not self.open:
            return
        other = next(room for room in ROOMS if room != self.room)
        if self.dice.random() < 0.5:
            self.leave()
            Viewer(self.audience, other)
        else:
            self.room = other
            self.report_now()

    def lose_network(self):
        self.offline_until = self.audience.time + self.dice.uniform(5, 30)

    def leave(self):
        """Close the page, which sends an end report."""
        if self.open:
            self.crash()
            self.report(self.due, leaving=True)

    def come_back(self):
        """Go back to the page, which the browser has cached."""
        if not self.open:
            self.open = True
            self.audience.open.add(self)
            self.plan(PLAYS_ON_FOR)

    def crash(self):
        self.open = False
        self.audience.open.discard(self)


class Audience:
    """So many people within so many seconds, always the same for a seed.

    :param deliver: takes a report and the seconds since the beginning, and returns in how many
        seconds the next one is due.
    """

    def __init__(self, deliver, people, seconds, seed, network=Network()):
        self.dice, self.network = random.Random(seed), network
        self.time, self.seconds, self._deliver = 0.0, seconds, deliver
        self.open, self.reports = set(), 0
        self._events, self._order = [], itertools.count()
        for _ in range(people):
            self.after(self._arrival(), self.person)

    def _arrival(self):
        share = 0.1 if self.dice.random() < 0.7 else 0.8
        return self.dice.uniform(0, share * self.seconds)

    def person(self):
        """Open a player, or two tabs, and decide what will become of them."""
        for _ in range(2 if self.dice.random() < 0.1 else 1):
            viewer = Viewer(self, self.dice.choice(ROOMS))
            rest = self.seconds - self.time
            for action, chance in (
                (viewer.switch, 0.4),
                (viewer.switch, 0.4),
                (viewer.move, 0.15),
                (viewer.lose_network, 0.1),
            ):
                if self.dice.random() < chance:
                    self.after(self.dice.uniform(5, rest), action)
            fate = self.dice.random()
            if fate < 0.15:
                self.after(self.dice.uniform(0, rest), viewer.crash)
            elif fate < 0.45:
                leaves = self.dice.uniform(0, rest)
                self.after(leaves, viewer.leave)
                if fate < 0.25:
                    self.after(leaves + self.dice.uniform(1, 90), viewer.come_back)

    def after(self, seconds, action, *details):
        heapq.heappush(self._events, (self.time + seconds, next(self._order), action, details))

    def deliver(self, report):
        self.reports += 1
        return self._deliver(report, self.time)

    def minutes(self):
        """Let time pass; stop at every minute."""
        for minute in range(60, self.seconds + 1, 60):
            while self._events and self._events[0][0] <= minute:
                self.time, _, action, details = heapq.heappop(self._events)
                action(*details)
            self.time = float(minute)
            yield minute

    def truth(self, room=None):
        """Return how many players are open."""
        return sum(room in (None, viewer.room) for viewer in self.open)
