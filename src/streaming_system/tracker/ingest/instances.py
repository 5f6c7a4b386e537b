"""Instances: which of several agents with the same endpoint name may report the endpoint.

An agent chooses a random id and sends it with each report. While the lease of one instance is
valid, reports of others are refused. Clients without an id are never refused.
"""

from collections.abc import Mapping
from typing import Any


class NameClashError(Exception):
    """Another agent reports an endpoint under this name.

    :param detail: which one, since when, and what to do. It is the same at each attempt.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def find_name_clash(row: Mapping[str, Any], instance: str) -> NameClashError | None:
    """Return why an instance may not report an endpoint; ``None`` if it may.

    :param row: of the endpoint, whose lease is valid.
    """
    if instance in ("", row["instance"]) or not row["instance"]:
        return None
    return NameClashError(
        f"another agent, at {row['host']}, has reported {row['name']} in {row['room']} since "
        f"{row['since']:%Y-%m-%d %H:%M:%S} UTC; give one of the two another name (name in "
        "agent.ini), or stop the other one"
    )


def next_instance(row: Mapping[str, Any], instance: str, *, is_lease_valid: bool) -> dict[str, Any]:
    """Return the columns of an endpoint about its instance after a report.

    :param is_lease_valid: whether the endpoint was alive before the report.
    """
    if is_lease_valid:
        # A client without an id, such as a person with curl, does not take the endpoint over.
        clash = {name: row[name] for name in ("clash_at", "clash_host")}
        return {"instance": row["instance"] or instance, **clash}
    return {"instance": instance, "clash_at": None, "clash_host": ""}
