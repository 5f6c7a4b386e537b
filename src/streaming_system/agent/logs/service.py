"""Log shipping: tailers and senders."""

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
    """Tails logs and sends them until :attr:`stop` is set.

    :param close_grace: seconds without growth after which a rotated file is closed.
    :raises AgentConfigError: if agent.ini is incomplete or invalid.
    :raises SpoolError: if the spool is not usable.
    """

    senders: list[LogSender]

    def __init__(self, agent: AgentConfig, close_grace: float = CLOSE_GRACE) -> None:
        self.config = parse_logs_config(agent)
        self.stop = threading.Event()
        self.spool = Spool(agent.state / "logs.sqlite", agent.trackers, self.config.max_spool_bytes)
        self.tailers = [LogTailer(file, self.spool, close_grace) for file in self.config.files]
        self.threads = [threading.Thread(target=self._poll_loop, name="logs", daemon=True)]
        self.senders = [
            LogSender(
                LegacyTrackerClient(url, agent.secret),
                self.spool,
                self.config.max_batch_bytes,
                self.stop,
            )
            for url in agent.trackers
        ]
        self._warnings = LogOnce(log)
        self._total_dropped = self.spool.dropped.total()

    def wake(self) -> None:
        """Wake the senders."""
        self.spool.notify()

    def finish_work(self, deadline: float) -> None:
        """Wait for the poll in progress, so that its checkpoints are saved."""
        join_threads(self.threads, deadline)

    def once(self) -> None:
        """Poll every log once, and send all lines.

        :raises CredentialsRejectedError: if a tracker rejects the secret.
        """
        self.poll_logs()
        self.send_once()

    def poll_logs(self) -> None:
        """Poll every log once."""
        for tailer in self.tailers:
            path = str(tailer.log.path)
            try:
                tailer.poll(self._has_capacity)
            except SpoolError as error:
                self._warnings.warn("spool", f"{error}; lines wait in their logs")
                continue
            except OSError as error:
                self._warnings.warn(path, f"cannot be read: {error.strerror}")
                continue
            if not self.spool.problem:
                self._warnings.resolve("spool")
            if tailer.problem:
                self._warnings.warn(path, tailer.problem)
            else:
                self._warnings.resolve(path)
        self._log_drops()

    def _log_drops(self) -> None:
        dropped, max_bytes = self.spool.dropped.total(), self.spool.max_bytes
        if dropped > self._total_dropped:
            self._warnings.warn(
                "the spool", f"{max_bytes} bytes are full: the oldest lines are dropped"
            )
        elif self.spool.size < max_bytes / 2:
            self._warnings.resolve("the spool")
        self._total_dropped = dropped

    def close(self) -> None:
        """Close all files."""
        for tailer in self.tailers:
            tailer.close()
        self.spool.close()

    def _poll_loop(self) -> None:
        while not self.stop.is_set():
            try:
                self.poll_logs()
            except Exception:
                # The thread must survive: the next poll may succeed.
                log.exception("logs could not be read")
            self.stop.wait(self.config.interval)

    def _has_capacity(self) -> bool:
        """Return whether the spool may take more lines.

        If trackers accept lines, but more slowly than they are read, the rest of a log waits in its
        file: the second half of the spool is for outages.
        """
        if self.stop.is_set():
            return False
        is_half_full = self.spool.size > self.spool.max_bytes / 2
        return not is_half_full or any(sender.problem for sender in self.senders)

    def problems(self) -> list[str]:
        """Return a line for each problem."""
        lines = [f"{t.log.path}: {t.problem}" for t in self.tailers if t.problem]
        if self.spool.problem:
            lines.append(self.spool.problem)
        return lines + [line for line in self.unreachable_trackers() if line not in lines]
