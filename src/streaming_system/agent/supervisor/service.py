"""The watch: everything that looks, and everything that tells."""

import threading
from collections.abc import Iterator

from streaming_system.agent.agent_service import AgentService, create_tracker_clients
from streaming_system.agent.config import AgentConfig
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_result import SLEEPING, CheckResult
from streaming_system.agent.supervisor.check_runner import CheckRunner
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.component_watcher import ComponentWatcher
from streaming_system.agent.supervisor.config import parse_components, parse_supervisor_config
from streaming_system.agent.supervisor.event_log import ComponentLog
from streaming_system.agent.supervisor.reporter import PipelineReporter


class SupervisorService(AgentService):
    """Watches the parts of this machine's pipeline, until it is told to stop.

    :param legacy: speak the form protocol, with the secret.
    :raises ConfigError: if agent.ini lacks something, or something in it is not allowed.
    """

    reporters: list[PipelineReporter]

    def __init__(self, agent: AgentConfig, *, legacy: bool = False) -> None:
        self.stop = threading.Event()
        self.settings = parse_supervisor_config(agent)
        self._programs = ProcessRunner(self.stop)
        kit = CheckTools(programs=self._programs, ffmpeg=self.settings.ffmpeg)
        found = parse_components(agent, kit)
        self.journal = ComponentLog()
        slots = threading.Semaphore(self.settings.most)
        self.watchers = [
            ComponentWatcher(part, agent.name, self.journal, slots, self.stop) for part in found
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


def run_checks_once(agent: AgentConfig) -> Iterator[tuple[str, CheckResult]]:
    """Look at every part once, one after the other.

    :raises ConfigError: if something in agent.ini is not allowed.
    """
    kit = CheckTools(programs=ProcessRunner(), ffmpeg=parse_supervisor_config(agent).ffmpeg)
    slots, stop = threading.Semaphore(1), threading.Event()
    return (
        (
            part.name,
            (
                CheckRunner(part, slots, stop)()
                or CheckResult(mood="waking", detail="one look does not tell")
            )
            if part.enabled
            else CheckResult(mood=SLEEPING, detail="switched off"),
        )
        for part in parse_components(agent, kit)
    )
