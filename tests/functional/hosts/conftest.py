"""A site on six machines, and a viewer."""

import dataclasses
import sys

import pytest
from programs import require

from streaming_system.schedule.model import RoomSchedule, Schedule

from ..pages import HALL, LAB, NOW, SYDNEY
from ..postgres import server_package
from .network import Addresses, Namespaces
from .site import Site


@pytest.fixture(scope="module")
def planned():
    """The schedule that host B publishes."""
    return Schedule(
        rooms={
            name: RoomSchedule(timezone=SYDNEY, slots=tuple(events))
            for name, events in (("hall", HALL), ("lab", LAB))
        },
        imported_at=NOW,
    )


@pytest.fixture(scope="module")
def machines(request, tmp_path_factory, migrate, planned):
    """The site, in network namespaces if the kernel allows them."""
    require("nginx", "ip")
    postgresql = server_package()
    network = Namespaces() if Namespaces.allowed() else Addresses()
    if isinstance(network, Addresses):
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(
                "\nNO NETWORK NAMESPACES HERE (they need root, CAP_SYS_ADMIN and iproute2): the "
                "machines of tests/functional/hosts are addresses of one machine, and those that "
                "are cut off are stopped processes.\n"
            )
    try:
        yield Site(network, tmp_path_factory.mktemp("hosts"), planned, migrate, postgresql)
    finally:
        network.stop()


@pytest.fixture
def later(planned):
    """Return a function that returns the schedule with another title and a later import."""

    def later(title, minutes):
        hall = planned.rooms["hall"]
        first = dataclasses.replace(hall.slots[0], title=title)
        return dataclasses.replace(
            planned,
            rooms={
                **planned.rooms,
                "hall": dataclasses.replace(hall, slots=(first, *hall.slots[1:])),
            },
            imported_at=NOW.replace(minute=NOW.minute + minutes),
        )

    return later
