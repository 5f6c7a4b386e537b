"""Base class of the agent's long-running services."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.tracker_client import ApiTrackerClient
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 1.6
POLL_INTERVAL = 0.2


class CredentialsRejectedError(Exception):
    """Every tracker rejects the agent's credentials; one line with their messages."""


class AgentService(ABC):
    """Threads that collect data, and threads that send it to trackers."""

    stop: threading.Event
    threads: Sequence[threading.Thread]
    senders: Sequence[TrackerSender]
    # Whether the service is useless without a tracker.
    needs_trackers = True

    @abstractmethod
    def wake(self) -> None:
        """Wake the threads that wait for changes."""

    def finish_work(self, deadline: float) -> None:  # noqa: B027 - Optional.
        """Complete work that must not be interrupted, until ``deadline`` (monotonic time)."""

    def run(self) -> None:
        """Run until :attr:`stop` is set, then deregister.

        :raises CredentialsRejectedError: when all trackers have rejected the token or the secret.
        """
        for thread in (*self.threads, *self.senders):
            thread.start()
        rejections: set[str] = set()
        try:
            while not self.stop.wait(POLL_INTERVAL):
                for sender in self.senders:
                    problem = sender.credentials_problem
                    if problem and problem not in rejections:
                        rejections.add(problem)
                        if len(self.senders) > 1 or not self.needs_trackers:
                            log.error("%s; this tracker is not called any more", problem)
                if rejections and self.needs_trackers and self._all_rejected():
                    raise self.credentials_error()
        finally:
            self.stop.set()
            self._shut_down()

    def _all_rejected(self) -> bool:
        return all(sender.credentials_problem for sender in self.senders)

    def send_once(self) -> None:
        """Send one report to each tracker.

        :raises CredentialsRejectedError: if a tracker rejects the token or the secret.
        """
        for sender in self.senders:
            sender.send_once()
        if any(sender.credentials_problem for sender in self.senders):
            raise self.credentials_error()

    def unreachable_trackers(self) -> list[str]:
        """Return one line for each tracker with a problem."""
        return [sender.problem for sender in self.senders if sender.problem]

    def credentials_error(self) -> CredentialsRejectedError:
        """Return an error with the messages of the trackers that reject the credentials."""
        problems = (sender.credentials_problem for sender in self.senders)
        return CredentialsRejectedError("; ".join(filter(None, problems)))

    def _shut_down(self) -> None:
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        self.wake()
        threads = [
            threading.Thread(target=sender.shutdown, args=(deadline,), daemon=True)
            for sender in self.senders
        ]
        for thread in threads:
            thread.start()
        join_threads(threads, deadline)
        self.finish_work(deadline)


def join_threads(threads: Iterable[threading.Thread], deadline: float) -> None:
    """Wait for the end of threads until ``deadline`` (monotonic time)."""
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def create_tracker_clients(
    agent: AgentConfig, *, legacy: bool, instance: str = ""
) -> Sequence[ApiTrackerClient] | Sequence[LegacyTrackerClient]:
    """Return a client for each tracker of the configuration.

    :param legacy: use the form protocol with the secret instead of the JSON API.
    :param instance: the id of this agent, for the endpoints that it reports.
    :raises AgentConfigError: if the token or the secret is missing.
    """
    if legacy:
        if not agent.secret:
            raise agent.error("secret", "", "the tracker's secret, which --legacy needs")
        return [LegacyTrackerClient(url, agent.secret) for url in agent.trackers]
    if not agent.token:
        raise agent.error("token", "", "a token from the crew, or --legacy and a secret")
    return [ApiTrackerClient(url, agent.token, instance=instance) for url in agent.trackers]
