"""How the previews are, for people and for Prometheus on this machine."""

import time
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from streaming_system.agent.preview.service import ThumbnailService
from streaming_system.agent.preview.thumbnails import THUMBNAIL_TTL
from streaming_system.agent.status_server import StatusServer, counter, gauge


class PreviewStatusServer(StatusServer):
    """Answers on a loopback address.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, preview: ThumbnailService, address: tuple[str, int]) -> None:
        self._preview = preview
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return a line for everything that is wrong."""
        lines = []
        now = time.monotonic()
        for room, look in self._preview.looks().items():
            if look.trouble:
                lines.append(f"{room}: {look.trouble}")
            elif look.seen is None:
                lines.append(f"{room}: has not been looked at yet")
            elif now - look.seen > THUMBNAIL_TTL:
                lines.append(f"{room}: has not been looked at for a minute: too many rooms at once")
        return lines + ([self._preview.trouble] if self._preview.trouble else [])

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        age = gauge("preview_age_seconds", "How old a room's picture is.", ["room"])
        took = gauge("preview_seconds", "How long the last look at a room took.", ["room"])
        total = counter("previews", "Looks by how they ended.", ["room", "result"])
        running = gauge("preview_running", "How many rooms are looked at now.", [])
        running.add_metric([], len(self._preview.programs))
        for room, look in self._preview.looks().items():
            if look.seen is not None:
                age.add_metric([room], time.monotonic() - look.seen)
            took.add_metric([room], look.seconds)
            total.add_metric([room, "taken"], look.taken)
            total.add_metric([room, "failed"], look.failed)
        yield from (age, took, total, running)
