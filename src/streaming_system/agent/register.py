"""Registers the streams of this machine with trackers."""

import shutil
import threading
import time

from streaming_system.agent.agent_service import AgentService, create_tracker_clients
from streaming_system.agent.config import AgentConfig, AgentConfigError
from streaming_system.agent.endpoint_reporter import EndpointReporter
from streaming_system.agent.instance import AgentInstance
from streaming_system.agent.liveness import StreamChecker, create_checkers
from streaming_system.agent.source_poller import SourcePoller
from streaming_system.agent.source_registry import configure_sources
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.supervisor.event_log import ComponentLog
from streaming_system.agent.supervisor.reporter import MAX_MACHINE_CHARS, PipelineReporter
from streaming_system.agent.tracker_sender import TrackerSender
from streaming_system.agent.video_measurement import VideoMeasurer

# The longest wait of ``--once`` for the first result of each check.
MAX_CHECK_SECONDS = 30.0


class StreamComponent:
    """A stream as a component of the pipeline."""

    kind = "streamer"

    def __init__(self, checker: StreamChecker) -> None:
        self.name, self.room = checker.subject, checker.stream.room


def _require_one_endpoint(agent: AgentConfig) -> None:
    """Raise an error if a room has several endpoints, which the legacy protocol cannot report."""
    for source in agent.sources:
        if source.streams[0].endpoint != agent.name:
            allowed = "no such key, because --legacy has one endpoint for each room"
            raise source.options.error("streams.url", source.streams[0].base_url, allowed)


class RegistrationService(AgentService):
    """Polls the sources of agent.ini and reports their streams.

    :param legacy: use the form protocol with the secret instead of the JSON API.
    :param has_instance: claim the endpoints for this agent. Without it, an agent is accepted beside
        another one with the same name.
    :raises AgentConfigError: if agent.ini is incomplete or invalid.
    """

    senders: list[TrackerSender]

    def __init__(
        self, agent: AgentConfig, *, legacy: bool = False, has_instance: bool = True
    ) -> None:
        self.agent = agent
        self.stop = threading.Event()
        if not agent.sources:
            raise AgentConfigError(f"{agent.file.name}: has no section [source:NAME]")
        sources = configure_sources(agent)
        if legacy:
            _require_one_endpoint(agent)
        self.checkers = create_checkers(agent, self._record_check, self.stop)
        self.states = SourceStateStore(agent, sources, self.checkers)
        self._stream_log = ComponentLog()
        for checker in self.checkers.values():
            self._stream_log.set_state(checker.subject, "waking", "is being checked")
        # The legacy protocol has no instances.
        has_instance = has_instance and not legacy
        self._instance = AgentInstance(agent.state, agent.name) if has_instance else None
        instance = self._instance.id if self._instance else ""
        trackers = create_tracker_clients(agent, legacy=legacy, instance=instance)
        self.endpoint_reporters = [
            EndpointReporter(tracker, agent, self.states, self.stop) for tracker in trackers
        ]
        self.senders = [*self.endpoint_reporters]
        # The crew's page shows why a stream is not registered.
        if self.checkers and not legacy:
            self.senders += [
                PipelineReporter(
                    tracker,
                    f"{agent.name}:streams"[:MAX_MACHINE_CHARS],
                    agent.interval,
                    self._stream_components,
                    self._stream_log,
                    self.stop,
                )
                for tracker in trackers
            ]
        self.pollers = [
            SourcePoller(source, self.states, agent.interval, self.stop) for source in sources
        ]
        self.threads = (*self.checkers.values(), *self.pollers)
        # The legacy protocol does not report what encoders send.
        if agent.measures_video and not legacy and self.checkers and shutil.which("ffprobe"):
            measurer = VideoMeasurer(self.checkers.values(), self.states, self.stop)
            self.threads = (*self.threads, measurer)

    def wake(self) -> None:
        """Wake the threads that wait for changes."""
        self.states.notify()
        self._stream_log.notify()

    def finish_work(self, deadline: float) -> None:
        """Release the id of this agent."""
        if self._instance:
            self._instance.close()

    def name_clashes(self) -> list[str]:
        """Return one line for each endpoint that another agent reports."""
        return [line for each in self.endpoint_reporters for line in each.name_clashes.values()]

    def _stream_components(self) -> list[StreamComponent]:
        return [StreamComponent(checker) for checker in self.checkers.values()]

    def _record_check(self, checker: StreamChecker) -> None:
        if checker.status.is_playing:
            self._stream_log.set_state(checker.subject, "happy")
        else:
            problem = checker.status.problem
            self._stream_log.set_state(checker.subject, "sad", problem, condition="stalled")
        self.states.notify()

    def run_once(self) -> None:
        """Check every stream and poll every source once, and report to every tracker once.

        :raises CredentialsRejectedError: if a tracker rejects the token or the secret.
        """
        checkers = self.checkers.values()
        for checker in checkers:
            checker.start()
        version, deadline = -1, time.monotonic() + MAX_CHECK_SECONDS
        while not all(checker.status.is_known for checker in checkers):
            if (remaining := deadline - time.monotonic()) <= 0:
                break
            version = self.states.wait(version, remaining)
        for poller in self.pollers:
            poller.poll()
            poller.close()
        self.send_once()
        self.stop.set()

    def stream_problems(self) -> list[str]:
        """Return one line for each stream that does not play."""
        return [
            f"{checker.subject}: {checker.url}: {checker.status.problem or 'is not checked yet'}"
            for checker in self.checkers.values()
            if not checker.status.is_playing
        ]
