"""API schemas of machines and their components."""

from streaming_system.tracker.pipeline.pipeline import CONDITIONS, MAX_COMPONENTS, MOODS
from streaming_system.tracker.schemas.types import (
    ApiSchema,
    BoundedList,
    DisplayText,
    Member,
    clock_offset_member,
)
from streaming_system.util.validation import (
    Choice,
    Identifier,
    Integer,
    Nullable,
    Number,
    Rfc3339DateTime,
    RoomId,
    Text,
)


class ComponentStateSchema(ApiSchema):
    """A component and its current mood."""

    name = Member(Text(64, min_length=1), description="Its name.", example="encoder-webm")
    mood = Member(Choice(*MOODS), description="Its state, in Flumotion's terms.", example="happy")
    since = Member(
        Rfc3339DateTime(),
        description="The start of the mood, by the machine's clock.",
        example="2026-08-22T09:00:00Z",
    )
    detail = Member(Text(200), missing="", description="Details for people.", example="25 frames/s")
    condition = Member(
        Nullable(Choice(*CONDITIONS)),
        missing=None,
        description="A fault that opens an incident of this kind. `since` is then its start.",
        example=None,
    )


class ComponentPastStateSchema(ApiSchema):
    """A past mood of a component."""

    name = Member(Text(64, min_length=1), example="encoder-webm")
    mood = Member(Choice(*MOODS), example="waking")
    since = Member(Rfc3339DateTime(), example="2026-08-22T08:59:50Z")
    seconds = Member(Number(0, 10**8), description="Its duration.", example=10)


class MachineReportSchema(ApiSchema):
    """All components of one kind on a machine. Components that are missing here are removed."""

    kind = Member(
        Choice("mixer", "encoder", "recorder", "streamer", "flumotion", "other"),
        description="The kind of the components.",
        example="encoder",
    )
    room = Member(Nullable(RoomId()), missing=None, description="Their room.", example="hall")
    components = Member(
        BoundedList(ComponentStateSchema(), MAX_COMPONENTS, distinct=False),
        description="Their current states.",
    )
    history = Member(
        BoundedList(ComponentPastStateSchema(), 250, distinct=False),
        missing=(),
        description="Past moods; those that were reported before change nothing.",
    )
    clock_offset = clock_offset_member()


class MachineReportResponseSchema(ApiSchema):
    """The acknowledgement of a report."""

    machine = Member(Identifier(), example="mixer1")
    components = Member(
        Integer(0, MAX_COMPONENTS), description="The number of its components.", example=1
    )
    report_every = Member(Integer(1, 3600), description="Seconds between two reports.", example=30)
    lost_at = Member(
        Rfc3339DateTime(),
        description="Without another report, the components count as lost from then on.",
        example="2026-08-22T12:01:00.000Z",
    )


class ComponentSchema(ApiSchema):
    """A part of a pipeline. Its mood is `lost` if its machine has stopped reporting."""

    machine = Member(DisplayText(), example="mixer1")
    name = Member(DisplayText(), example="encoder-webm")
    kind = Member(DisplayText(), example="encoder")
    room = Member(Nullable(DisplayText()), example="hall")
    mood = Member(Choice(*MOODS), example="happy")
    since = Member(Rfc3339DateTime(), example="2026-08-22T09:00:00.000Z")
    detail = Member(DisplayText(), example="25 frames/s")
    condition = Member(Nullable(Choice(*CONDITIONS)), example=None)
    reported_at = Member(Rfc3339DateTime(), example="2026-08-22T12:00:00.000Z")


class ComponentListSchema(ApiSchema):
    """The components that were reported within the last day."""

    components = Member(BoundedList(ComponentSchema(), 100_000, distinct=False))
