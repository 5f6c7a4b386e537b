"""The agent: reads the servers of this machine and tells trackers what is streamed from here."""

import threading

from streaming_system.agent.agent_service import Service, trackers
from streaming_system.agent.config import Agent, ConfigError
from streaming_system.agent.endpoint_reporter import Reporter
from streaming_system.agent.source_poller import Reader
from streaming_system.agent.source_registry import prepare
from streaming_system.agent.source_state import Board


class Registration(Service):
    """Registers what is streamed from here, until it is told to stop.

    :param legacy: speak the form protocol, with the secret.
    :raises ConfigError: if agent.ini lacks something, or names an option or source there is not.
    """

    reporters: list[Reporter]

    def __init__(self, agent: Agent, *, legacy: bool = False) -> None:
        self.agent = agent
        self.stop = threading.Event()
        if not agent.sources:
            raise ConfigError(f"{agent.file.name}: has no section [source:NAME]")
        sources = prepare(agent)
        self.board = Board(agent, sources)
        self.reporters = [
            Reporter(tracker, agent, self.board, self.stop)
            for tracker in trackers(agent, legacy=legacy)
        ]
        self.readers = [Reader(one, self.board, agent.interval, self.stop) for one in sources]
        self.workers = self.readers

    def wake(self) -> None:
        """Let everybody look who waits for news."""
        self.board.wake()

    def once(self) -> None:
        """Read every server once, and tell every tracker once.

        :raises RefusedError: if a tracker does not take the token or the secret.
        """
        for reader in self.readers:
            reader.read()
        self.tell()
