"""API schemas of draining an endpoint."""

from streaming_system.tracker.schemas.types import ApiSchema, Member
from streaming_system.util.validation import Flag


class DrainingSchema(ApiSchema):
    """Whether to drain an endpoint: it gets no new viewers."""

    draining = Member(Flag(), description="True: no new viewers.", example=True)


class DrainingResponseSchema(ApiSchema):
    """The flags of an endpoint; each of them stops new viewers if another one can take them."""

    draining = Member(Flag(), description="The endpoint's own flag.")
    drained = Member(Flag(), description="The crew's flag.")
    new_viewers = Member(
        Flag(),
        description="Whether it gets new viewers: it is not draining, or no other endpoint can "
        "serve them.",
    )
