"""The table of all operations of the JSON API.

Requests are validated against it, and the OpenAPI document is built from it.
"""

from collections.abc import Mapping

from streaming_system.tracker.api.operation import JSON_MEDIA_TYPE, Operation
from streaming_system.tracker.schemas import (
    crew,
    draining,
    endpoint,
    feedback,
    incidents,
    pipeline,
    playback,
    reminders,
    room,
    samples,
    stream_keys,
)

REPORT_SCOPES = ("room", "endpoint", "crew")
CREW_SCOPES = ("crew",)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="room.list",
        method="GET",
        route="api.rooms",
        summary="List the rooms",
        responses={200: room.RoomListSchema()},
    ),
    Operation(
        id="room.get",
        method="GET",
        route="api.room",
        summary="Get a room",
        responses={200: room.RoomStatusSchema()},
    ),
    Operation(
        id="endpoint.list",
        method="GET",
        route="api.endpoints",
        summary="List a room's endpoints",
        description="The endpoints that are alive, least loaded first.",
        responses={200: endpoint.EndpointListSchema()},
    ),
    Operation(
        id="endpoint.get",
        method="GET",
        route="api.endpoint",
        summary="Get an endpoint",
        responses={200: endpoint.EndpointSchema()},
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="endpoint.report",
        method="PUT",
        route="api.endpoint",
        summary="Report an endpoint's state",
        description="A server that streams a room reports what it serves and sends, every "
        "`report_every` seconds. 201 means that the endpoint is new, or has returned.",
        body=endpoint.EndpointReportSchema(),
        responses={
            200: endpoint.EndpointReportResponseSchema(),
            201: endpoint.EndpointReportResponseSchema(),
        },
        scopes=REPORT_SCOPES,
        limit="reports",
        problems=("limit-reached", "name-taken"),
    ),
    Operation(
        id="endpoint.goodbye",
        method="DELETE",
        route="api.endpoint",
        summary="Deregister an endpoint",
        description="The endpoint gets no more viewers, and its metrics become zero, at once.",
        query=endpoint.DeregistrationQuerySchema(),
        responses={204: None},
        scopes=REPORT_SCOPES,
        limit="reports",
        problems=("unknown-endpoint", "name-taken"),
    ),
    Operation(
        id="endpoint.drain",
        method="PUT",
        route="api.draining",
        summary="Drain an endpoint, or stop draining it",
        description="A draining endpoint gets no new viewers and keeps its current ones. If no "
        "other endpoint can take the new viewers of a room, it still gets them: `new_viewers`. A "
        "token of the room or the endpoint sets the endpoint's own flag, which its next report "
        "overwrites; a token of the crew sets the crew's flag, which stays until the crew changes "
        "it.",
        body=draining.DrainingSchema(),
        responses={200: draining.DrainingResponseSchema()},
        scopes=REPORT_SCOPES,
        limit="writes",
        problems=("unknown-endpoint",),
    ),
    Operation(
        id="sample.list",
        method="GET",
        route="api.samples",
        summary="Get a room's metrics over time",
        query=samples.SampleQuerySchema(),
        responses={200: samples.SamplesSchema()},
        limit="graphs",
    ),
    Operation(
        id="playback.report",
        method="POST",
        route="api.playback",
        summary="Report the state of a player",
        description="A player reports its presence and its quality of experience. It works with "
        "`navigator.sendBeacon`: pages of any site may send it, also as text, and without a token. "
        "Names are those of CMCD (CTA-5004-A), where CMCD has one.",
        body=playback.PlaybackReportSchema(),
        media=(JSON_MEDIA_TYPE, "text/plain"),
        max_body_bytes=8 * 1024,
        responses={200: playback.PlaybackReportResponseSchema()},
        limit="reports",
        problems=("limit-reached",),
    ),
    Operation(
        id="playback.get",
        method="GET",
        route="api.playback",
        summary="Get the quality of experience in a room",
        query=playback.PlaybackQuerySchema(),
        responses={200: playback.RoomQoeSchema()},
        limit="graphs",
    ),
    Operation(
        id="feedback.submit",
        method="POST",
        route="api.feedback",
        summary="Send feedback on a talk",
        description='A viewer rates a talk of a room with `"feedback": "internal"`, from its '
        "start until 30 days after its end. Only the crew can read it. Pages of this site may send "
        "it, and of the sites that the tracker's `allowed_origins` lists; also as text.",
        body=feedback.FeedbackSchema(),
        media=(JSON_MEDIA_TYPE, "text/plain"),
        max_body_bytes=16 * 1024,
        responses={200: feedback.StoredFeedbackSchema()},
        limit="feedback",
        problems=("unknown-talk", "feedback-closed", "foreign-origin", "limit-reached"),
    ),
    Operation(
        id="reminder.key",
        method="GET",
        route="api.push_key",
        summary="Get the key for reminders",
        description="Browsers subscribe to notifications with it. It stays the same.",
        responses={200: reminders.PushKeySchema()},
        problems=("reminders-off",),
    ),
    Operation(
        id="reminder.replace",
        method="PUT",
        route="api.reminders",
        summary="Set the reminders of a browser",
        description="The tracker sends a notification some minutes before each of these talks, "
        "and when one of these rooms goes live. The request replaces all reminders of the browser; "
        "without talks and rooms, it deletes the browser. Talks that are over or do not exist are "
        "left out. Pages of this site may send it, and of the sites that the tracker's "
        "`allowed_origins` lists.",
        body=reminders.RemindersSchema(),
        responses={200: reminders.StoredRemindersSchema()},
        limit="reminders",
        problems=("reminders-off", "foreign-origin", "unknown-push-service", "limit-reached"),
    ),
    Operation(
        id="incident.list",
        method="GET",
        route="api.incidents",
        summary="List open incidents",
        responses={200: incidents.IncidentListSchema()},
    ),
    Operation(
        id="component.list",
        method="GET",
        route="api.components",
        summary="List the components of pipelines",
        responses={200: pipeline.ComponentListSchema()},
    ),
    Operation(
        id="component.report",
        method="PUT",
        route="api.machine",
        summary="Report a machine's components",
        description="A machine of the pipeline (mixer, encoder, recorder) reports the state of "
        "its components. A token of a room covers the components of that room, a token of the "
        "crew all. Rooms that share a machine need different names for their components. A name "
        "is free again if its component has not been reported for a day.",
        body=pipeline.MachineReportSchema(),
        responses={200: pipeline.MachineReportResponseSchema()},
        scopes=("room", "crew"),
        limit="reports",
        problems=("unknown-room", "limit-reached"),
    ),
    Operation(
        id="annotation.list",
        method="GET",
        route="api.annotations",
        summary="List annotations",
        query=crew.AnnotationQuerySchema(),
        responses={200: crew.AnnotationListSchema()},
    ),
    Operation(
        id="annotation.add",
        method="POST",
        route="api.annotations",
        summary="Add an annotation",
        description="A token of a room covers annotations of that room: its machines may annotate "
        "what they do.",
        body=crew.AnnotationCreateSchema(),
        responses={201: crew.AnnotationSchema()},
        scopes=("room", "crew"),
        limit="writes",
        problems=("unknown-room", "limit-reached"),
    ),
    Operation(
        id="annotation.remove",
        method="DELETE",
        route="api.annotation",
        summary="Delete an annotation",
        responses={204: None},
        scopes=CREW_SCOPES,
        limit="writes",
    ),
    Operation(
        id="token.list",
        method="GET",
        route="api.tokens",
        summary="List the tokens",
        responses={200: crew.TokenListSchema()},
        scopes=CREW_SCOPES,
    ),
    Operation(
        id="token.issue",
        method="POST",
        route="api.tokens",
        summary="Issue a token",
        description="The response has the token's text, which the tracker does not store.",
        body=crew.TokenCreateSchema(),
        responses={201: crew.IssuedTokenSchema()},
        scopes=CREW_SCOPES,
        limit="writes",
        problems=("unknown-room",),
    ),
    Operation(
        id="token.revoke",
        method="DELETE",
        route="api.token",
        summary="Revoke a token",
        responses={204: None},
        scopes=CREW_SCOPES,
        limit="writes",
    ),
    Operation(
        id="stream_key.list",
        method="GET",
        route="api.stream_keys",
        summary="List the stream keys",
        responses={200: stream_keys.StreamKeyListSchema()},
        scopes=CREW_SCOPES,
    ),
    Operation(
        id="stream_key.create",
        method="POST",
        route="api.stream_keys",
        summary="Create a stream key",
        description="With it, an encoder may publish the room. The response has the key's text, "
        "which the tracker does not store, and what to type into encoders. A room has at most two "
        "valid keys at a time.",
        body=stream_keys.StreamKeyCreateSchema(),
        responses={201: stream_keys.CreatedStreamKeySchema()},
        scopes=CREW_SCOPES,
        limit="writes",
        problems=("unknown-room",),
    ),
    Operation(
        id="stream_key.revoke",
        method="DELETE",
        route="api.stream_key",
        summary="Revoke a stream key",
        description="Streaming servers refuse it from now on. A stream that runs already goes on.",
        responses={204: None},
        scopes=CREW_SCOPES,
        limit="writes",
    ),
)

OPERATIONS_BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
OPERATIONS_BY_ROUTE: Mapping[tuple[str, str], Operation] = {
    (operation.method, operation.route): operation for operation in OPERATIONS
}
