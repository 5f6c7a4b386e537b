"""What every part of the agent does that tells trackers something until it is stopped."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.tracker_client import ApiTrackerClient, LegacyTrackerClient
from streaming_system.agent.tracker_sender import TrackerSender

log = logging.getLogger(__name__)

# Whoever stops the agent waits no longer than this.
SHUTDOWN_TIMEOUT = 1.6


class CredentialsRejectedError(Exception):
    """No tracker takes this agent: one line that says what they said."""


class AgentService(ABC):
    """Threads that find something out, and threads that tell it to trackers, if anybody."""

    stop: threading.Event
    workers: Sequence[threading.Thread]
    reporters: Sequence[TrackerSender]

    @abstractmethod
    def wake(self) -> None:
        """Let everybody look who waits for news."""

    def finish(self, until: float) -> None:  # noqa: B027 - Most have nothing that must not.
        """Let come to an end what must not be broken off.

        :param until: by the monotonic clock; nobody waits longer.
        """

    def run(self) -> None:
        """Go on until :attr:`stop` is set, then say goodbye.

        :raises RefusedError: as soon as no tracker is left that takes the token or the secret.
        """
        for thread in (*self.workers, *self.reporters):
            thread.start()
        told: set[str] = set()
        try:
            while not self.stop.wait(0.2):
                for reporter in self.reporters:
                    if reporter.refused and reporter.refused not in told:
                        told.add(reporter.refused)
                        if len(self.reporters) > 1:
                            log.error("%s; this tracker is not called any more", reporter.refused)
                if told and all(reporter.refused for reporter in self.reporters):
                    raise self.refusal()
        finally:
            self.stop.set()
            self._farewell()

    def tell(self) -> None:
        """Tell every tracker once what there is.

        :raises RefusedError: if a tracker does not take the token or the secret.
        """
        for reporter in self.reporters:
            reporter.round()
        if any(reporter.refused for reporter in self.reporters):
            raise self.refusal()

    def unheard(self) -> list[str]:
        """Return a line for every tracker that does not listen."""
        return [reporter.trouble for reporter in self.reporters if reporter.trouble]

    def refusal(self) -> CredentialsRejectedError:
        """Return what trackers have said that refuse us, to be raised."""
        return CredentialsRejectedError("; ".join(r.refused for r in self.reporters if r.refused))

    def _farewell(self) -> None:
        until = time.monotonic() + SHUTDOWN_TIMEOUT
        self.wake()
        leaving = [
            threading.Thread(target=reporter.farewell, args=(until,), daemon=True)
            for reporter in self.reporters
        ]
        for thread in leaving:
            thread.start()
        join_threads(leaving, until)
        self.finish(until)


def join_threads(threads: Iterable[threading.Thread], until: float) -> None:
    """Wait for threads until a moment of the monotonic clock."""
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def create_tracker_clients(
    agent: AgentConfig, *, legacy: bool
) -> Sequence[ApiTrackerClient] | Sequence[LegacyTrackerClient]:
    """Return whom an agent tells what it knows.

    :param legacy: by the form protocol, with the secret.
    :raises ConfigError: if it has no token, or no secret.
    """
    if legacy:
        if not agent.secret:
            raise agent.refuse("secret", "", "the tracker's secret, which --legacy needs")
        return [LegacyTrackerClient(url, agent.secret) for url in agent.trackers]
    if not agent.token:
        raise agent.refuse("token", "", "a token from the crew, or --legacy and a secret")
    return [ApiTrackerClient(url, agent.token) for url in agent.trackers]
