"""The watch: everything that looks, and everything that tells."""

import threading
from collections.abc import Iterator

from streaming_system.agent.agent_service import AgentService, create_tracker_clients
from streaming_system.agent.config import AgentConfig
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_result import SLEEPING, Verdict
from streaming_system.agent.supervisor.check_runner import Look
from streaming_system.agent.supervisor.check_tools import Kit
from streaming_system.agent.supervisor.component_watcher import Watcher
from streaming_system.agent.supervisor.config import general, parts
from streaming_system.agent.supervisor.event_log import Journal
from streaming_system.agent.supervisor.reporter import PipelineReporter


class Watch(AgentService):
    """Watches the parts of this machine's pipeline, until it is told to stop.

    :param legacy: speak the form protocol, with the secret.
    :raises ConfigError: if agent.ini lacks something, or something in it is not allowed.
    """

    reporters: list[PipelineReporter]

    def __init__(self, agent: AgentConfig, *, legacy: bool = False) -> None:
        self.stop = threading.Event()
        self.settings = general(agent)
        self._programs = ProcessRunner(self.stop)
        kit = Kit(programs=self._programs, ffmpeg=self.settings.ffmpeg)
        found = parts(agent, kit)
        self.journal = Journal()
        slots = threading.Semaphore(self.settings.most)
        self.watchers = [
            Watcher(part, agent.name, self.journal, slots, self.stop) for part in found
        ]
        self.workers = self.watchers
        self.reporters = [
            PipelineReporter(tracker, agent.name, agent.interval, found, self.journal, self.stop)
            for tracker in create_tracker_clients(agent, legacy=legacy)
        ]

    def wake(self) -> None:
        """Let everybody look who waits for news; what checks have started ends."""
        self._programs.end()
        self.journal.wake()


def looks(agent: AgentConfig) -> Iterator[tuple[str, Verdict]]:
    """Look at every part once, one after the other.

    :raises ConfigError: if something in agent.ini is not allowed.
    """
    kit = Kit(programs=ProcessRunner(), ffmpeg=general(agent).ffmpeg)
    slots, stop = threading.Semaphore(1), threading.Event()
    return (
        (
            part.name,
            (Look(part, slots, stop)() or Verdict(mood="waking", detail="one look does not tell"))
            if part.enabled
            else Verdict(mood=SLEEPING, detail="switched off"),
        )
        for part in parts(agent, kit)
    )
