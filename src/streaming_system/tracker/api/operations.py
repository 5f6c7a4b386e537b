"""Every operation of the JSON API in one table.

A call is checked by what stands here, and the OpenAPI document is made of it.
"""

from collections.abc import Mapping

from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.schemas import endpoint, room

REPORTERS = ("room", "endpoint", "crew")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="room.list",
        method="GET",
        route="api.rooms",
        summary="List the rooms",
        answers={200: room.RoomList()},
    ),
    Operation(
        id="room.get",
        method="GET",
        route="api.room",
        summary="Look at a room",
        answers={200: room.Room()},
    ),
    Operation(
        id="endpoint.list",
        method="GET",
        route="api.endpoints",
        summary="List a room's endpoints",
        description="Those that are alive, least loaded first.",
        answers={200: endpoint.EndpointList()},
    ),
    Operation(
        id="endpoint.get",
        method="GET",
        route="api.endpoint",
        summary="Look at an endpoint",
        answers={200: endpoint.Endpoint()},
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="endpoint.report",
        method="PUT",
        route="api.endpoint",
        summary="Report an endpoint's state",
        description="A server that streams a room says so, what it serves, and how much it sends: "
        "every `report_every` seconds. 201 tells that the endpoint is new, or back.",
        body=endpoint.EndpointReport(),
        answers={200: endpoint.ReportAnswer(), 201: endpoint.ReportAnswer()},
        scopes=REPORTERS,
        limit="reports",
    ),
    Operation(
        id="endpoint.goodbye",
        method="DELETE",
        route="api.endpoint",
        summary="Say goodbye",
        description="The endpoint gets no viewers any more, and its figures fall to zero, at once.",
        answers={204: None},
        scopes=REPORTERS,
        limit="reports",
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="endpoint.drain",
        method="PUT",
        route="api.draining",
        summary="Drain an endpoint, or stop draining it",
        description="A draining endpoint gets no new viewers and keeps those that it has. With a "
        "token of the room or the endpoint, it is the endpoint's own flag, which its next report "
        "sets anew; with one of the crew, it is the crew's, which holds until the crew says "
        "otherwise.",
        body=endpoint.Draining(),
        answers={200: endpoint.DrainingAnswer()},
        scopes=REPORTERS,
        limit="writes",
        problems=("unknown-endpoint",),
    ),
)

BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
