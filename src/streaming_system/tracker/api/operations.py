"""Every operation of the JSON API in one table.

A call is checked by what stands here, and the OpenAPI document is made of it.
"""

from collections.abc import Mapping

from streaming_system.tracker.api.operation import JSON, Operation
from streaming_system.tracker.schemas import (
    crew,
    endpoint,
    incidents,
    pipeline,
    playback,
    room,
    samples,
)

REPORTERS = ("room", "endpoint", "crew")
CREW = ("crew",)

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
    Operation(
        id="sample.list",
        method="GET",
        route="api.samples",
        summary="Look at a room's figures over time",
        query=samples.SampleQuery(),
        answers={200: samples.Samples()},
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
        body=playback.PlaybackReport(),
        media=(JSON, "text/plain"),
        most=8 * 1024,
        answers={200: playback.PlaybackAnswer()},
        limit="reports",
    ),
    Operation(
        id="playback.get",
        method="GET",
        route="api.playback",
        summary="Look at how well a room's players play",
        query=playback.PlaybackQuery(),
        answers={200: playback.RoomQuality()},
        limit="graphs",
    ),
    Operation(
        id="incident.list",
        method="GET",
        route="api.incidents",
        summary="List what is wrong",
        answers={200: incidents.IncidentList()},
    ),
    Operation(
        id="component.list",
        method="GET",
        route="api.components",
        summary="List the components of pipelines",
        answers={200: pipeline.ComponentList()},
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
        body=pipeline.MachineReport(),
        answers={200: pipeline.MachineAnswer()},
        scopes=("room", "crew"),
        limit="reports",
        problems=("unknown-room",),
    ),
    Operation(
        id="annotation.list",
        method="GET",
        route="api.annotations",
        summary="List annotations",
        query=crew.AnnotationQuery(),
        answers={200: crew.AnnotationList()},
    ),
    Operation(
        id="annotation.add",
        method="POST",
        route="api.annotations",
        summary="Write an annotation",
        description="A token of a room is for annotations of that room: its machines say what they "
        "have done.",
        body=crew.AnnotationNew(),
        answers={201: crew.Annotation()},
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
        scopes=CREW,
        limit="writes",
    ),
    Operation(
        id="token.list",
        method="GET",
        route="api.tokens",
        summary="List the tokens",
        answers={200: crew.TokenList()},
        scopes=CREW,
    ),
    Operation(
        id="token.issue",
        method="POST",
        route="api.tokens",
        summary="Issue a token",
        description="The answer has the token's text, which is kept nowhere.",
        body=crew.TokenIssue(),
        answers={201: crew.IssuedToken()},
        scopes=CREW,
        limit="writes",
        problems=("unknown-room",),
    ),
    Operation(
        id="token.revoke",
        method="DELETE",
        route="api.token",
        summary="Revoke a token",
        answers={204: None},
        scopes=CREW,
        limit="writes",
    ),
)

BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
BY_ROUTE: Mapping[tuple[str, str], Operation] = {
    (operation.method, operation.route): operation for operation in OPERATIONS
}
