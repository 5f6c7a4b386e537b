"""Registers the streams of this machine with trackers."""

import threading

from streaming_system.agent.agent_service import AgentService, create_tracker_clients
from streaming_system.agent.config import AgentConfig, AgentConfigError
from streaming_system.agent.endpoint_reporter import EndpointReporter
from streaming_system.agent.source_poller import SourcePoller
from streaming_system.agent.source_registry import configure_sources
from streaming_system.agent.source_state import SourceStateStore


class RegistrationService(AgentService):
    """Polls the sources of agent.ini and reports their streams.

    :param legacy: use the form protocol with the secret instead of the JSON API.
    :raises AgentConfigError: if agent.ini is incomplete or invalid.
    """

    senders: list[EndpointReporter]

    def __init__(self, agent: AgentConfig, *, legacy: bool = False) -> None:
        self.agent = agent
        self.stop = threading.Event()
        if not agent.sources:
            raise AgentConfigError(f"{agent.file.name}: has no section [source:NAME]")
        sources = configure_sources(agent)
        self.states = SourceStateStore(agent, sources)
        self.senders = [
            EndpointReporter(tracker, agent, self.states, self.stop)
            for tracker in create_tracker_clients(agent, legacy=legacy)
        ]
        self.pollers = [
            SourcePoller(source, self.states, agent.interval, self.stop) for source in sources
        ]
        self.threads = self.pollers

    def wake(self) -> None:
        """Wake the threads that wait for changes."""
        self.states.notify()

    def run_once(self) -> None:
        """Poll every source once, and report to every tracker once.

        :raises CredentialsRejectedError: if a tracker rejects the token or the secret.
        """
        for poller in self.pollers:
            poller.poll()
        self.send_once()
