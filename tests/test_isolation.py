"""Who may import whom: one row for each arrow that is not allowed."""

import subprocess
import sys

import pytest

PAGES_STAND_ALONE = (
    "tracker",
    "plugin_host",
    "agent",
    "parsers",
    "plugin",
    "sqlalchemy",
    "alembic",
)
TRACKER_STANDS_ALONE = ("frontend", "plugin_host", "agent", "parsers", "plugin")
NO_WEB = ("frontend", "tracker", "pyramid", "sqlalchemy")

FORBIDDEN = {
    "frontend": PAGES_STAND_ALONE,
    "schedule.store": (*PAGES_STAND_ALONE, "frontend", "pyramid"),
    "tracker": TRACKER_STANDS_ALONE,
    "agent": ("frontend", "tracker", "config", "schedule", "plugin", "pyramid", "sqlalchemy"),
    "agent.fake_encoder": (
        "frontend",
        "tracker",
        "config",
        "schedule",
        "plugin",
        "pyramid",
        "sqlalchemy",
    ),
    "agent.config": (*NO_WEB, "config", "schedule", "plugin", "plugin_host", "parsers"),
    "agent.register": (*NO_WEB, "config", "parsers"),
    "agent.register_metrics": (*NO_WEB, "config", "parsers"),
    "agent.preview.preview_metrics": (
        *NO_WEB,
        "config",
        "schedule",
        "plugin",
        "plugin_host",
        "parsers",
    ),
    "agent.logs.log_metrics": (*NO_WEB, "config", "schedule", "plugin", "plugin_host", "parsers"),
    "agent.supervisor.supervisor_metrics": (
        *NO_WEB,
        "config",
        "schedule",
        "plugin",
        "plugin_host",
        "parsers",
    ),
    "demo.runner": (*NO_WEB, "config", "parsers"),
    "web.health": ("frontend", "tracker", "sqlalchemy"),
    "web.request_id": ("frontend", "tracker", "sqlalchemy"),
    "web.request_factory": ("frontend", "tracker", "sqlalchemy"),
    "web.json_logging": NO_WEB,
    "plugin": (*NO_WEB, "plugin_host", "parsers", "config", "agent"),
    "plugin_host": (*NO_WEB, "config", "agent"),
    "config": (*NO_WEB, "plugin", "plugin_host", "schedule", "agent"),
    "schedule_import.importer": (*NO_WEB, "agent"),
    "plugin_host.hooks": (*NO_WEB, "config", "agent"),
    "schedule_import.feed_reader": (*NO_WEB, "config", "agent"),
    "cli": ("frontend", "tracker", "pyramid", "sqlalchemy"),
}
OURS = {"frontend", "tracker", "plugin_host", "agent", "parsers", "plugin", "config", "schedule"}


@pytest.fixture(scope="module")
def imported_by():
    """Return the names of all modules that a clean interpreter has after importing one of ours."""
    known = {}

    def imported_by(module):
        if module not in known:
            code = f"import sys, streaming_system.{module}; print(*sys.modules)"
            answer = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code],
                capture_output=True,
                text=True,
                check=True,
            )
            known[module] = set(answer.stdout.split())
        return known[module]

    return imported_by


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [(module, name) for module, names in FORBIDDEN.items() for name in names],
)
def test_the_arrow_is_not_there(imported_by, module, forbidden):
    name = f"streaming_system.{forbidden}" if forbidden in OURS else forbidden

    assert name not in imported_by(module)


def test_parsers_import_nothing_of_ours_but_the_public_module(root):
    for path in root.glob("parsers/*.py"):
        lines = [line for line in path.read_text().splitlines() if "streaming_system" in line]
        imports = [line for line in lines if line.lstrip().startswith(("import ", "from "))]

        assert {line.split()[1] for line in imports} <= {"streaming_system.plugin"}, path.name


def test_no_format_is_hard_coded_in_the_program(root):
    from streaming_system.schedule_import.parsers import find_parsers

    # The frontend and the export write formats; nothing that reads may know one by name.
    writers = ("frontend", "export.py")
    files = [p for p in (root / "src").rglob("*.py") if not set(writers) & set(p.parts)]
    text = "\n".join(path.read_text() for path in files)

    assert [name for name in find_parsers() if f'"{name}"' in text] == []


def test_no_room_can_take_an_address_that_an_app_answers():
    from streaming_system.config import RESERVED_IDS, ROOM_ID

    first_parts = {path.strip("/").split("/")[0] for path in _paths("frontend") | _paths("tracker")}
    could_be_rooms = {part for part in first_parts if ROOM_ID.fullmatch(part)}

    assert could_be_rooms - RESERVED_IDS == set()
    assert {"monitor", "static", "endpoint"} <= could_be_rooms


def _paths(app):
    import importlib

    from pyramid.config import Configurator
    from pyramid.interfaces import IRoutesMapper

    config = Configurator()
    config.include(importlib.import_module(f"streaming_system.{app}.routes"))
    config.commit()
    return {route.pattern for route in config.registry.getUtility(IRoutesMapper).get_routes()}
