"""All of it: logs are followed, and handed in to trackers."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.encoder.calls import Refused
from streaming_system.encoder.config import Agent
from streaming_system.encoder.figures import Warnings
from streaming_system.encoder.logs.config import read
from streaming_system.encoder.logs.database import SpoolError
from streaming_system.encoder.logs.files import LINGER
from streaming_system.encoder.logs.follow import Follower
from streaming_system.encoder.logs.send import Sender
from streaming_system.encoder.logs.spool import Spool
from streaming_system.encoder.status import counter, gauge
from streaming_system.encoder.tracker import FormTracker

log = logging.getLogger(__name__)

# Whoever stops it waits no longer than this for an answer that is on its way.
LAST_ANSWER = 1.2


class Shipping:
    """Follows logs and hands them in, until it is told to stop.

    :param linger: seconds for which a file is kept open that is rotated.
    :raises ConfigError: if agent.ini lacks something, or says what is not allowed.
    :raises SpoolError: if the spool cannot be used.
    """

    def __init__(self, agent: Agent, linger: float = LINGER) -> None:
        self.config = read(agent)
        self.stop = threading.Event()
        self.spool = Spool(agent.state / "logs.sqlite", agent.trackers, self.config.spool)
        self.followers = [Follower(file, self.spool, linger) for file in self.config.files]
        self.senders = [
            Sender(FormTracker(url, agent.secret), self.spool, self.config.batch, self.stop)
            for url in agent.trackers
        ]
        self._warnings = Warnings()
        self._dropped = 0

    def once(self) -> None:
        """Look at every log once, and hand in what there is.

        :raises Refused: if a tracker does not take the secret.
        """
        self.look()
        for sender in self.senders:
            sender.round()
        if any(sender.refused for sender in self.senders):
            raise self._refusal()

    def run(self) -> None:
        """Go on until :attr:`stop` is set.

        :raises Refused: as soon as no tracker is left that takes the secret.
        """
        for sender in self.senders:
            sender.start()
        looking = threading.Thread(target=self._look_on, name="logs", daemon=True)
        looking.start()
        told: set[str] = set()
        try:
            while not self.stop.wait(0.2):
                refused = {sender.refused for sender in self.senders if sender.refused}
                if all(sender.refused for sender in self.senders):
                    raise self._refusal()
                for line in sorted(refused - told):
                    log.error("%s; this tracker is not called any more", line)
                told |= refused
        finally:
            self.stop.set()
            self.spool.wake()
            until = time.monotonic() + LAST_ANSWER
            for thread in (looking, *self.senders):
                thread.join(max(0.0, until - time.monotonic()))

    def look(self) -> None:
        """Look at every log once."""
        for follower in self.followers:
            path = str(follower.log.path)
            try:
                follower.look(self._may_read)
            except SpoolError as error:
                self._warnings.say("spool", f"{error}; lines wait in their logs")
                continue
            except OSError as error:
                self._warnings.say(path, f"cannot be read: {error.strerror}")
                continue
            if not self.spool.trouble:
                self._warnings.good("spool")
            if follower.trouble:
                self._warnings.say(path, follower.trouble)
            else:
                self._warnings.good(path)
        self._tell_of_dropped()

    def _tell_of_dropped(self) -> None:
        dropped, bound = self.spool.dropped.total(), self.spool.bound
        if dropped > self._dropped:
            self._warnings.say("the spool", f"{bound} bytes are full: the oldest lines are dropped")
        elif self.spool.size < bound / 2:
            self._warnings.good("the spool")
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
        return not crowded or any(sender.trouble for sender in self.senders)

    def _refusal(self) -> Refused:
        return Refused("; ".join(sender.refused for sender in self.senders if sender.refused))

    def troubles(self) -> list[str]:
        """Return a line for everything that is wrong."""
        lines = [f"{f.log.path}: {f.trouble}" for f in self.followers if f.trouble]
        lines += [s.trouble for s in self.senders if s.trouble]
        if self.spool.trouble and self.spool.trouble not in lines:
            lines.append(self.spool.trouble)
        return lines

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        yield from self._of_logs()
        yield from self._of_trackers()

    def _of_logs(self) -> Iterator[Metric]:
        lines = counter("log_lines_read", "Lines of a log.", ["log", "room"])
        too_long = counter("log_lines_too_long", "Lines that were too long.", ["log", "room"])
        up = gauge("log_up", "Whether a log can be read.", ["log", "room"])
        for follower in self.followers:
            where = [str(follower.log.path), follower.log.room]
            lines.add_metric(where, follower.lines)
            too_long.add_metric(where, follower.too_long)
            up.add_metric(where, not follower.trouble)
        size = gauge("spool_bytes", "Lines that wait in the spool.", [])
        size.add_metric([], self.spool.size)
        bound = gauge("spool_bytes_limit", "How many bytes may wait.", [])
        bound.add_metric([], self.spool.bound)
        yield from (up, lines, too_long, size, bound)

    def _of_trackers(self) -> Iterator[Metric]:
        up = gauge("tracker_up", "Whether a tracker takes lines.", ["tracker"])
        age = gauge("last_report_age_seconds", "How old the last report is.", ["tracker"])
        waiting = gauge("log_lines_waiting", "Lines that a tracker lacks.", ["tracker"])
        sent = counter("log_lines_sent", "Lines that a tracker has.", ["tracker"])
        dropped = counter(
            "log_lines_dropped", "Lines that a tracker will never have.", ["tracker", "reason"]
        )
        total = counter("reports", "Reports by how they ended.", ["tracker", "result"])
        for sender in self.senders:
            url = sender.tracker.url
            up.add_metric([url], not sender.trouble)
            waiting.add_metric([url], self._waiting(url))
            sent.add_metric([url], sender.lines)
            dropped.add_metric([url, "spool full"], self.spool.dropped[url])
            dropped.add_metric([url, "not taken"], sender.not_taken)
            total.add_metric([url, "taken"], sender.taken)
            total.add_metric([url, "failed"], sender.failed)
            if sender.last is not None:
                age.add_metric([url], time.monotonic() - sender.last)
        yield from (up, age, waiting, sent, dropped, total)

    def _waiting(self, url: str) -> float:
        try:
            return self.spool.waiting(url)
        except SpoolError:
            return float("nan")
