"""Machines and their components, as the JSON API speaks of them."""

import colander

from streaming_system.tracker.pipeline.pipeline import MAX_COMPONENTS, MOODS
from streaming_system.tracker.schemas.types import (
    Choice,
    ListOf,
    Moment,
    Name,
    Number,
    OrNull,
    Record,
    RoomId,
    Text,
    Whole,
    Words,
)


class ComponentNow(Record):
    """A component and the mood that it is in."""

    name = colander.SchemaNode(
        Text(64, least=1), description="What it is called.", example="encoder-webm"
    )
    mood = colander.SchemaNode(
        Choice(*MOODS), description="One of Flumotion's words for how it is.", example="happy"
    )
    since = colander.SchemaNode(
        Moment(), description="Since when, by the machine's clock.", example="2026-08-22T09:00:00Z"
    )
    detail = colander.SchemaNode(
        Text(200), missing="", description="More, for people.", example="25 frames/s"
    )


class ComponentBefore(Record):
    """A mood that a component was in before."""

    name = colander.SchemaNode(Text(64, least=1), example="encoder-webm")
    mood = colander.SchemaNode(Choice(*MOODS), example="waking")
    since = colander.SchemaNode(Moment(), example="2026-08-22T08:59:50Z")
    seconds = colander.SchemaNode(Number(0, 10**8), description="For how long.", example=10)


class MachineReport(Record):
    """The components of one kind on a machine. Those that it leaves out are gone."""

    kind = colander.SchemaNode(
        Choice("mixer", "encoder", "recorder", "streamer", "flumotion", "other"),
        description="What the components are.",
        example="encoder",
    )
    room = colander.SchemaNode(
        OrNull(RoomId()), missing=None, description="The room that they work for.", example="hall"
    )
    components = colander.SchemaNode(
        ListOf(ComponentNow(), MAX_COMPONENTS, distinct=False),
        description="How each is now.",
    )
    history = colander.SchemaNode(
        ListOf(ComponentBefore(), 250, distinct=False),
        missing=(),
        description="How they were; what is known already changes nothing.",
    )


class MachineAnswer(Record):
    """What the tracker made of a report."""

    machine = colander.SchemaNode(Name(), example="mixer1")
    components = colander.SchemaNode(
        Whole(0, MAX_COMPONENTS), description="How many it has.", example=1
    )
    report_every = colander.SchemaNode(
        Whole(1, 3600), description="Seconds between two reports.", example=30
    )
    lost_at = colander.SchemaNode(
        Moment(),
        description="When the components count as lost without another report.",
        example="2026-08-22T12:01:00.000Z",
    )


class Component(Record):
    """A part of a pipeline on some machine. It is `lost` if the machine has fallen silent."""

    machine = colander.SchemaNode(Words(), example="mixer1")
    name = colander.SchemaNode(Words(), example="encoder-webm")
    kind = colander.SchemaNode(Words(), example="encoder")
    room = colander.SchemaNode(OrNull(Words()), example="hall")
    mood = colander.SchemaNode(Choice(*MOODS), example="happy")
    since = colander.SchemaNode(Moment(), example="2026-08-22T09:00:00.000Z")
    detail = colander.SchemaNode(Words(), example="25 frames/s")
    reported_at = colander.SchemaNode(Moment(), example="2026-08-22T12:00:00.000Z")


class ComponentList(Record):
    """The components that have been reported within a day."""

    components = colander.SchemaNode(ListOf(Component(), 100_000, distinct=False))
