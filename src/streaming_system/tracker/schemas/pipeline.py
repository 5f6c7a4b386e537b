"""Machines and their components, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.pipeline.pipeline import MAX_COMPONENTS, MOODS
from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedInteger,
    BoundedList,
    BoundedNumber,
    Choice,
    DisplayText,
    Identifier,
    Nullable,
    Rfc3339DateTime,
    RoomId,
    Text,
)


class ComponentStateSchema(ApiSchema):
    """A component and the mood that it is in."""

    name = colander.SchemaNode(
        Text(64, least=1), description="What it is called.", example="encoder-webm"
    )
    mood = colander.SchemaNode(
        Choice(*MOODS), description="One of Flumotion's words for how it is.", example="happy"
    )
    since = colander.SchemaNode(
        Rfc3339DateTime(),
        description="Since when, by the machine's clock.",
        example="2026-08-22T09:00:00Z",
    )
    detail = colander.SchemaNode(
        Text(200), missing="", description="More, for people.", example="25 frames/s"
    )


class ComponentPastStateSchema(ApiSchema):
    """A mood that a component was in before."""

    name = colander.SchemaNode(Text(64, least=1), example="encoder-webm")
    mood = colander.SchemaNode(Choice(*MOODS), example="waking")
    since = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T08:59:50Z")
    seconds = colander.SchemaNode(BoundedNumber(0, 10**8), description="For how long.", example=10)


class MachineReportSchema(ApiSchema):
    """The components of one kind on a machine. Those that it leaves out are gone."""

    kind = colander.SchemaNode(
        Choice("mixer", "encoder", "recorder", "streamer", "flumotion", "other"),
        description="What the components are.",
        example="encoder",
    )
    room = colander.SchemaNode(
        Nullable(RoomId()), missing=None, description="The room that they work for.", example="hall"
    )
    components = colander.SchemaNode(
        BoundedList(ComponentStateSchema(), MAX_COMPONENTS, distinct=False),
        description="How each is now.",
    )
    history = colander.SchemaNode(
        BoundedList(ComponentPastStateSchema(), 250, distinct=False),
        missing=(),
        description="How they were; what is known already changes nothing.",
    )


class MachineReportResponseSchema(ApiSchema):
    """What the tracker made of a report."""

    machine = colander.SchemaNode(Identifier(), example="mixer1")
    components = colander.SchemaNode(
        BoundedInteger(0, MAX_COMPONENTS), description="How many it has.", example=1
    )
    report_every = colander.SchemaNode(
        BoundedInteger(1, 3600), description="Seconds between two reports.", example=30
    )
    lost_at = colander.SchemaNode(
        Rfc3339DateTime(),
        description="When the components count as lost without another report.",
        example="2026-08-22T12:01:00.000Z",
    )


class ComponentSchema(ApiSchema):
    """A part of a pipeline on some machine. It is `lost` if the machine has fallen silent."""

    machine = colander.SchemaNode(DisplayText(), example="mixer1")
    name = colander.SchemaNode(DisplayText(), example="encoder-webm")
    kind = colander.SchemaNode(DisplayText(), example="encoder")
    room = colander.SchemaNode(Nullable(DisplayText()), example="hall")
    mood = colander.SchemaNode(Choice(*MOODS), example="happy")
    since = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T09:00:00.000Z")
    detail = colander.SchemaNode(DisplayText(), example="25 frames/s")
    reported_at = colander.SchemaNode(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")


class ComponentListSchema(ApiSchema):
    """The components that have been reported within a day."""

    components = colander.SchemaNode(BoundedList(ComponentSchema(), 100_000, distinct=False))
