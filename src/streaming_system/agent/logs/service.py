"""All of it: logs are followed, and handed in to trackers."""

import logging
import threading

from streaming_system.agent.agent_service import AgentService, join_threads
from streaming_system.agent.config import AgentConfig
from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.agent.logs.config import parse_logs_config
from streaming_system.agent.logs.database import SpoolError
from streaming_system.agent.logs.rotation import CLOSE_GRACE
from streaming_system.agent.logs.sender import LogSender
from streaming_system.agent.logs.spool import Spool
from streaming_system.agent.logs.tail import LogTailer
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)


class LogShippingService(AgentService):
    """Follows logs and hands them in, until it is told to stop.

    :param linger: seconds for which a file is kept open that is rotated.
    :raises ConfigError: if agent.ini lacks something, or says what is not allowed.
    :raises SpoolError: if the spool cannot be used.
    """

    senders: list[LogSender]

    def __init__(self, agent: AgentConfig, linger: float = CLOSE_GRACE) -> None:
        self.config = parse_logs_config(agent)
        self.stop = threading.Event()
        self.spool = Spool(agent.state / "logs.sqlite", agent.trackers, self.config.spool)
        self.followers = [LogTailer(file, self.spool, linger) for file in self.config.files]
        self.threads = [threading.Thread(target=self._look_on, name="logs", daemon=True)]
        self.senders = [
            LogSender(
                LegacyTrackerClient(url, agent.secret), self.spool, self.config.batch, self.stop
            )
            for url in agent.trackers
        ]
        self._warnings = LogOnce(log)
        self._dropped = self.spool.dropped.total()

    def wake(self) -> None:
        """Let everybody look who waits for news."""
        self.spool.notify()

    def finish_work(self, deadline: float) -> None:
        """Let a place be saved with the lines before it."""
        join_threads(self.threads, deadline)

    def once(self) -> None:
        """Look at every log once, and hand in what there is.

        :raises RefusedError: if a tracker does not take the secret.
        """
        self.look()
        self.send_once()

    def look(self) -> None:
        """Look at every log once."""
        for follower in self.followers:
            path = str(follower.log.path)
            try:
                follower.look(self._may_read)
            except SpoolError as error:
                self._warnings.warn("spool", f"{error}; lines wait in their logs")
                continue
            except OSError as error:
                self._warnings.warn(path, f"cannot be read: {error.strerror}")
                continue
            if not self.spool.trouble:
                self._warnings.resolve("spool")
            if follower.trouble:
                self._warnings.warn(path, follower.trouble)
            else:
                self._warnings.resolve(path)
        self._tell_of_dropped()

    def _tell_of_dropped(self) -> None:
        dropped, bound = self.spool.dropped.total(), self.spool.bound
        if dropped > self._dropped:
            self._warnings.warn(
                "the spool", f"{bound} bytes are full: the oldest lines are dropped"
            )
        elif self.spool.size < bound / 2:
            self._warnings.resolve("the spool")
        self._dropped = dropped

    def close(self) -> None:
        """Close all files."""
        for follower in self.followers:
            follower.close()
        self.spool.close()

    def _look_on(self) -> None:
        while not self.stop.is_set():
            try:
                self.look()
            except Exception:
                # Whatever it is, the next look may go well; without this thread there is none.
                log.exception("logs could not be read")
            self.stop.wait(self.config.interval)

    def _may_read(self) -> bool:
        """Tell whether lines shall come into the spool.

        As long as trackers take them, but more slowly than they can be read, those that are in a
        log already wait there: the bound is for trackers that take none.
        """
        if self.stop.is_set():
            return False
        crowded = self.spool.size > self.spool.bound / 2
        return not crowded or any(sender.problem for sender in self.senders)

    def problems(self) -> list[str]:
        """Return a line for everything that is wrong."""
        lines = [f"{f.log.path}: {f.trouble}" for f in self.followers if f.trouble]
        if self.spool.trouble:
            lines.append(self.spool.trouble)
        return lines + [line for line in self.unreachable_trackers() if line not in lines]
