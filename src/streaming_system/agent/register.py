"""The agent: reads the servers of this machine and tells trackers what is streamed from here."""

import threading

from streaming_system.agent.agent_service import AgentService, create_tracker_clients
from streaming_system.agent.config import AgentConfig, AgentConfigError
from streaming_system.agent.endpoint_reporter import EndpointReporter
from streaming_system.agent.source_poller import SourcePoller
from streaming_system.agent.source_registry import configure_sources
from streaming_system.agent.source_state import SourceStateStore


class RegistrationService(AgentService):
    """Registers what is streamed from here, until it is told to stop.

    :param legacy: speak the form protocol, with the secret.
    :raises ConfigError: if agent.ini lacks something, or names an option or source there is not.
    """

    reporters: list[EndpointReporter]

    def __init__(self, agent: AgentConfig, *, legacy: bool = False) -> None:
        self.agent = agent
        self.stop = threading.Event()
        if not agent.sources:
            raise AgentConfigError(f"{agent.file.name}: has no section [source:NAME]")
        sources = configure_sources(agent)
        self.board = SourceStateStore(agent, sources)
        self.reporters = [
            EndpointReporter(tracker, agent, self.board, self.stop)
            for tracker in create_tracker_clients(agent, legacy=legacy)
        ]
        self.readers = [SourcePoller(one, self.board, agent.interval, self.stop) for one in sources]
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
