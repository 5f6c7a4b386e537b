"""The agent: reads the servers of this machine and tells trackers what is streamed from here."""

import logging
import threading
import time

from streaming_system.encoder.board import Board
from streaming_system.encoder.config import Agent, ConfigError
from streaming_system.encoder.find import prepare
from streaming_system.encoder.reader import Reader
from streaming_system.encoder.reporter import Reporter
from streaming_system.encoder.tracker import FormTracker, JsonTracker, Tracker

log = logging.getLogger(__name__)

# Whoever stops the agent waits no longer than this.
GOODBYE = 1.6


class RefusedError(Exception):
    """No tracker takes this agent: one line that says what they said."""


class Registration:
    """Registers what is streamed from here, until it is told to stop.

    :param legacy: speak the form protocol, with the secret.
    :raises ConfigError: if agent.ini lacks something, or names an option or source there is not.
    """

    def __init__(self, agent: Agent, *, legacy: bool = False) -> None:
        self.agent = agent
        self.stop = threading.Event()
        if not agent.sources:
            raise ConfigError(f"{agent.file.name}: has no section [source:NAME]")
        sources = prepare(agent)
        self.board = Board(agent, sources)
        self.reporters = [
            Reporter(tracker, agent, self.board, self.stop) for tracker in _trackers(agent, legacy)
        ]
        self.readers = [Reader(one, self.board, agent.interval, self.stop) for one in sources]

    def once(self) -> None:
        """Read every server once, and tell every tracker once.

        :raises RefusedError: if a tracker does not take the token or the secret.
        """
        for reader in self.readers:
            reader.read()
        for reporter in self.reporters:
            reporter.round()
        if any(reporter.refused for reporter in self.reporters):
            raise self._refusal()

    def run(self) -> None:
        """Go on until :attr:`stop` is set, then say goodbye.

        :raises RefusedError: as soon as no tracker is left that takes the token or the secret.
        """
        for thread in (*self.readers, *self.reporters):
            thread.start()
        told: set[str] = set()
        try:
            while not self.stop.wait(0.2):
                for reporter in self.reporters:
                    if reporter.refused and reporter.refused not in told:
                        told.add(reporter.refused)
                        if len(self.reporters) > 1:
                            log.error("%s; this tracker is not called any more", reporter.refused)
                if all(reporter.refused for reporter in self.reporters):
                    raise self._refusal()
        finally:
            self.stop.set()
            self._farewell()

    def _refusal(self) -> RefusedError:
        return RefusedError("; ".join(r.refused for r in self.reporters if r.refused))

    def _farewell(self) -> None:
        until = time.monotonic() + GOODBYE
        self.board.wake()
        leaving = [
            threading.Thread(target=reporter.farewell, args=(until,), daemon=True)
            for reporter in self.reporters
        ]
        for thread in leaving:
            thread.start()
        for thread in leaving:
            thread.join(max(0.0, until - time.monotonic()))


def _trackers(agent: Agent, legacy: bool) -> list[Tracker]:
    if legacy:
        if not agent.secret:
            raise agent.refuse("secret", "", "the tracker's secret, which --legacy needs")
        return [FormTracker(url, agent.secret) for url in agent.trackers]
    if not agent.token:
        raise agent.refuse("token", "", "a token from the crew, or --legacy and a secret")
    return [JsonTracker(url, agent.token) for url in agent.trackers]
