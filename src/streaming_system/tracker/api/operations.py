"""Every operation of the JSON API in one table.

A call is checked by what stands here, and the OpenAPI document is made of it.
"""

from collections.abc import Mapping

from streaming_system.tracker.api.operation import JSON_MEDIA_TYPE, Operation
from streaming_system.tracker.schemas import (
    crew,
    endpoint,
    incidents,
    pipeline,
    playback,
    room,
    samples,
)

REPORT_SCOPES = ("room", "endpoint", "crew")
CREW_SCOPES = ("crew",)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="room.list",
        method="GET",
        route="api.rooms",
        summary="List the rooms",
        answers={200: room.RoomListSchema()},
    ),
    Operation(
        id="room.get",
        method="GET",
        route="api.room",
        summary="Look at a room",
        answers={200: room.RoomStatusSchema()},
    ),
    Operation(
        id="endpoint.list",
        method="GET",
        route="api.endpoints",
        summary="List a room's endpoints",
        description="Those that are alive, least loaded first.",
        answers={200: endpoint.EndpointListSchema()},
    ),
    Operation(
        id="endpoint.get",
        method="GET",
        route="api.endpoint",
        summary="Look at an endpoint",
        answers={200: endpoint.EndpointSchema()},
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="endpoint.report",
        method="PUT",
        route="api.endpoint",
        summary="Report an endpoint's state",
        description="A server that streams a room says so, what it serves, and how much it sends: "
        "every `report_every` seconds. 201 tells that the endpoint is new, or back.",
        body=endpoint.EndpointReportSchema(),
        answers={
            200: endpoint.EndpointReportResponseSchema(),
            201: endpoint.EndpointReportResponseSchema(),
        },
        scopes=REPORT_SCOPES,
        limit="reports",
    ),
    Operation(
        id="endpoint.goodbye",
        method="DELETE",
        route="api.endpoint",
        summary="Say goodbye",
        description="The endpoint gets no viewers any more, and its figures fall to zero, at once.",
        answers={204: None},
        scopes=REPORT_SCOPES,
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
        body=endpoint.DrainingSchema(),
        answers={200: endpoint.DrainingResponseSchema()},
        scopes=REPORT_SCOPES,
        limit="writes",
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="sample.list",
        method="GET",
        route="api.samples",
        summary="Look at a room's figures over time",
        query=samples.SampleQuerySchema(),
        answers={200: samples.SamplesSchema()},
        limit="graphs",
    ),
    Operation(
        id="playback.report",
        method="POST",
        route="api.playback",
        summary="Report how a player plays",
        description="A player says that it is there, and how well it plays. Made for "
        "`navigator.sendBeacon`: a page of any site may send it, as text, too, and nobody needs a "
        "token. Names are CMCD's (CTA-5004-A) where it has one.",
        body=playback.PlaybackReportSchema(),
        media=(JSON_MEDIA_TYPE, "text/plain"),
        most=8 * 1024,
        answers={200: playback.PlaybackReportResponseSchema()},
        limit="reports",
    ),
    Operation(
        id="playback.get",
        method="GET",
        route="api.playback",
        summary="Look at how well a room's players play",
        query=playback.PlaybackQuerySchema(),
        answers={200: playback.RoomQoeSchema()},
        limit="graphs",
    ),
    Operation(
        id="incident.list",
        method="GET",
        route="api.incidents",
        summary="List what is wrong",
        answers={200: incidents.IncidentListSchema()},
    ),
    Operation(
        id="component.list",
        method="GET",
        route="api.components",
        summary="List the components of pipelines",
        answers={200: pipeline.ComponentListSchema()},
    ),
    Operation(
        id="component.report",
        method="PUT",
        route="api.machine",
        summary="Report a machine's components",
        description="Whatever makes the streams (mixers, encoders, recorders) says how it is. A "
        "token of a room is for the components of that room, one of the crew for all. Rooms that "
        "share a machine need different names for their components; a name is free again once its "
        "component has not been reported for a day.",
        body=pipeline.MachineReportSchema(),
        answers={200: pipeline.MachineReportResponseSchema()},
        scopes=("room", "crew"),
        limit="reports",
        problems=("unknown-room",),
    ),
    Operation(
        id="annotation.list",
        method="GET",
        route="api.annotations",
        summary="List annotations",
        query=crew.AnnotationQuerySchema(),
        answers={200: crew.AnnotationListSchema()},
    ),
    Operation(
        id="annotation.add",
        method="POST",
        route="api.annotations",
        summary="Write an annotation",
        description="A token of a room is for annotations of that room: its machines say what they "
        "have done.",
        body=crew.AnnotationCreateSchema(),
        answers={201: crew.AnnotationSchema()},
        scopes=("room", "crew"),
        limit="writes",
        problems=("unknown-room",),
    ),
    Operation(
        id="annotation.remove",
        method="DELETE",
        route="api.annotation",
        summary="Delete an annotation",
        answers={204: None},
        scopes=CREW_SCOPES,
        limit="writes",
    ),
    Operation(
        id="token.list",
        method="GET",
        route="api.tokens",
        summary="List the tokens",
        answers={200: crew.TokenListSchema()},
        scopes=CREW_SCOPES,
    ),
    Operation(
        id="token.issue",
        method="POST",
        route="api.tokens",
        summary="Issue a token",
        description="The answer has the token's text, which is kept nowhere.",
        body=crew.TokenCreateSchema(),
        answers={201: crew.IssuedTokenSchema()},
        scopes=CREW_SCOPES,
        limit="writes",
        problems=("unknown-room",),
    ),
    Operation(
        id="token.revoke",
        method="DELETE",
        route="api.token",
        summary="Revoke a token",
        answers={204: None},
        scopes=CREW_SCOPES,
        limit="writes",
    ),
)

OPERATIONS_BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
OPERATIONS_BY_ROUTE: Mapping[tuple[str, str], Operation] = {
    (operation.method, operation.route): operation for operation in OPERATIONS
}
