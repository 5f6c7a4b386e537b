"""Health and Prometheus metrics of the thumbnail service, on a loopback address."""

import time
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from streaming_system.agent.condition_metrics import condition_metric
from streaming_system.agent.preview.service import ThumbnailService
from streaming_system.agent.preview.thumbnails import THUMBNAIL_TTL
from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics

PREVIEW_AGE_SECONDS = gauge(
    "preview_age_seconds", "Age of a room's thumbnail, in seconds.", ("room",)
)
PREVIEW_SECONDS = gauge(
    "preview_seconds", "Duration of the last run for a room, in seconds.", ("room",)
)
PREVIEWS = counter("previews", "Runs for a room by result: taken or failed.", ("room", "result"))
PREVIEW_RUNNING = gauge("preview_running", "Rooms that are being processed.")


class PreviewStatusServer(StatusServer):
    """The status server of the thumbnail service.

    :raises OSError: if the address is not available.
    """

    def __init__(self, service: ThumbnailService, address: tuple[str, int]) -> None:
        self._service = service
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return a line for each problem."""
        lines = []
        now = time.monotonic()
        for room, state in self._service.rooms().items():
            if state.problem:
                lines.append(f"{room}: {state.problem}")
            elif state.captured_at is None:
                lines.append(f"{room}: has no picture yet")
            elif now - state.captured_at > THUMBNAIL_TTL:
                lines.append(f"{room}: has an old picture: at.once is too low for this many rooms")
        lines += [self._service.problem] if self._service.problem else []
        return lines + self._service.unreachable_trackers()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        age = PREVIEW_AGE_SECONDS.family()
        duration = PREVIEW_SECONDS.family()
        total = PREVIEWS.family()
        running = PREVIEW_RUNNING.family()
        running.add_metric([], len(self._service.runner))
        for room, state in self._service.rooms().items():
            if state.captured_at is not None:
                age.add_metric([room], time.monotonic() - state.captured_at)
            duration.add_metric([room], state.seconds)
            total.add_metric([room, "taken"], state.successes)
            total.add_metric([room, "failed"], state.failures)
        yield from (age, duration, total, running)
        yield condition_metric(self._service.media.log, self._service.media.components())
        yield from tracker_metrics(self._service.senders)
