"""The supervisor: component watchers and reporters to trackers."""

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
    """Supervises the components of this machine until :attr:`stop` is set.

    :param legacy: use the form protocol with the secret.
    :raises AgentConfigError: if agent.ini is incomplete or invalid.
    """

    senders: list[PipelineReporter]

    def __init__(self, agent: AgentConfig, *, legacy: bool = False) -> None:
        self.stop = threading.Event()
        self.config = parse_supervisor_config(agent)
        self._runner = ProcessRunner(self.stop)
        tools = CheckTools(runner=self._runner, ffmpeg=self.config.ffmpeg)
        components = parse_components(agent, tools)
        self.component_log = ComponentLog()
        slots = threading.Semaphore(self.config.max_parallel)
        self.watchers = [
            ComponentWatcher(component, agent.name, self.component_log, slots, self.stop)
            for component in components
        ]
        self.threads = self.watchers
        self.senders = [
            PipelineReporter(
                tracker,
                agent.name,
                agent.interval,
                lambda: components,
                self.component_log,
                self.stop,
            )
            for tracker in create_tracker_clients(agent, legacy=legacy)
        ]

    def wake(self) -> None:
        """Kill the programs of checks, and wake the reporters."""
        self._runner.kill_all()
        self.component_log.notify()


def run_checks_once(agent: AgentConfig) -> Iterator[tuple[str, CheckResult]]:
    """Run every check once, one after the other; return component names and results.

    :raises AgentConfigError: if agent.ini is invalid.
    """
    tools = CheckTools(runner=ProcessRunner(), ffmpeg=parse_supervisor_config(agent).ffmpeg)
    slots, stop = threading.Semaphore(1), threading.Event()
    return (
        (
            component.name,
            (
                CheckRunner(component, slots, stop).run()
                or CheckResult(mood="waking", detail="needs a second check")
            )
            if component.enabled
            else CheckResult(mood=SLEEPING, detail="switched off"),
        )
        for component in parse_components(agent, tools)
    )
