"""The page docs/reference/metrics.md: what the programs export for Prometheus."""

from collections.abc import Iterator
from types import ModuleType

from markdown_table import format_table

from streaming_system.agent import condition_metrics, register_metrics, status_server
from streaming_system.agent.logs import log_metrics
from streaming_system.agent.preview import preview_metrics
from streaming_system.agent.supervisor import supervisor_metrics
from streaming_system.frontend import metrics as page_metrics
from streaming_system.tracker import metric_descriptions
from streaming_system.util.metric_description import COUNTER, MetricDescription
from streaming_system.web import request_metrics

_INTRODUCTION = """# Metrics

[Monitoring](../how-to/prometheus.md) sets up Prometheus, its alerts and a dashboard.
"""
_SECTIONS: tuple[tuple[str, str, tuple[ModuleType, ...]], ...] = (
    (
        "The tracker",
        "`GET /tracker/metrics`. `route` is a name in `tracker/routes.py`.",
        (metric_descriptions, request_metrics),
    ),
    (
        "The pages",
        "`GET /metrics` of each worker. `route` is a name in `frontend/routes.py`.",
        (page_metrics, request_metrics),
    ),
    (
        "All services of the agent",
        "`GET /metrics` of their [`status`](agent.md) addresses.",
        (status_server,),
    ),
    (
        "The agent of a streaming server",
        "[Setting it up](../how-to/agent.md).",
        (register_metrics,),
    ),
    ("Log shipping", "[Setting it up](../how-to/access-logs.md).", (log_metrics,)),
    (
        "The supervisor",
        "[Setting it up](../how-to/supervise.md).",
        (supervisor_metrics, condition_metrics),
    ),
    (
        "Thumbnails",
        "[Setting it up](../how-to/thumbnails.md).",
        (preview_metrics, condition_metrics),
    ),
)


def format_metrics() -> Iterator[str]:
    """Return the lines of the page."""
    yield _INTRODUCTION
    for title, text, modules in _SECTIONS:
        yield f"## {title}\n"
        yield f"{text}\n"
        metrics = [
            metric
            for module in modules
            for metric in vars(module).values()
            if isinstance(metric, MetricDescription)
        ]
        rows = (
            (
                f"`{metric.name}{'_total' if metric.type == COUNTER else ''}`",
                metric.type,
                ", ".join(f"`{label}`" for label in metric.labels),
                metric.help.removesuffix("."),
            )
            for metric in metrics
        )
        yield from format_table(("metric", "type", "labels", "meaning"), rows)
