"""What must not be loaded along: pyproject.toml says who may import whom, `make lint` checks it."""

import subprocess
import sys

import pytest

NO_APP = ("frontend", "tracker", "pyramid", "sqlalchemy")
NO_PLUGINS = ("plugin", "plugin_host", "schedule_import", "parsers")

# By module, what a clean interpreter must not have after importing it: what is imported by name at
# run time, and what is put off until it is needed, are arrows that no linter sees.
FORBIDDEN = {
    "frontend": ("tracker", *NO_PLUGINS, "sqlalchemy", "alembic"),
    "tracker": ("frontend", *NO_PLUGINS),
    "schedule.store": (*NO_APP, *NO_PLUGINS),
    "config": (*NO_APP, *NO_PLUGINS, "schedule"),
    "plugin": (*NO_APP, "parsers", "config"),
    "plugin_host.manager": (*NO_APP, "parsers", "config"),
    "plugin_host.notifications": (*NO_APP, "parsers", "config"),
    "schedule_import.importer": (*NO_APP, "parsers"),
    "agent.fake_encoder": (*NO_APP, *NO_PLUGINS, "config", "schedule"),
    "agent.config": (*NO_APP, *NO_PLUGINS, "config", "schedule"),
    "agent.register": (*NO_APP, "parsers", "config"),
    "agent.register_metrics": (*NO_APP, "parsers", "config"),
    "agent.preview.preview_metrics": (*NO_APP, *NO_PLUGINS, "config", "schedule"),
    "agent.logs.log_metrics": (*NO_APP, *NO_PLUGINS, "config", "schedule"),
    "agent.supervisor.supervisor_metrics": (*NO_APP, *NO_PLUGINS, "config", "schedule"),
    "demo.runner": (*NO_APP, "parsers", "config"),
    "event_setup.files": (*NO_APP, *NO_PLUGINS),
    "event_setup.feed_overview": (*NO_APP, "parsers"),
    "util.plugin_inventory": (*NO_APP, *NO_PLUGINS, "config"),
    "web.health": ("frontend", "tracker", "sqlalchemy"),
    "web.request_id": ("frontend", "tracker", "sqlalchemy"),
    "web.json_logging": NO_APP,
    "cli": NO_APP,
}
THEIRS = {"alembic", "pyramid", "sqlalchemy"}


@pytest.fixture(scope="module")
def imported_by():
    """Return the names of all modules that a clean interpreter has after importing one of ours."""
    known = {}

    def imported_by(module):
        if module not in known:
            code = f"import sys, streaming_system.{module}; print(*sys.modules)"
            result = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code],
                capture_output=True,
                text=True,
                check=True,
            )
            known[module] = set(result.stdout.split())
        return known[module]

    return imported_by


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [(module, name) for module, names in FORBIDDEN.items() for name in names],
)
def test_it_is_not_loaded(imported_by, module, forbidden):
    name = forbidden if forbidden in THEIRS else f"streaming_system.{forbidden}"

    assert name not in imported_by(module)


def test_parsers_import_nothing_of_ours_but_the_public_module(root):
    for path in root.glob("parsers/*.py"):
        lines = [line for line in path.read_text().splitlines() if "streaming_system" in line]
        imports = [line for line in lines if line.lstrip().startswith(("import ", "from "))]

        assert {line.split()[1] for line in imports} <= {"streaming_system.plugin"}, path.name


def test_no_format_is_hard_coded_in_the_program(root):
    from streaming_system.schedule_import.parsers import load_parsers

    # The frontend and the export write formats; nothing that reads may know one by name.
    writers = ("frontend", "export.py")
    files = [p for p in (root / "src").rglob("*.py") if not set(writers) & set(p.parts)]
    text = "\n".join(path.read_text() for path in files)

    assert [name for name in load_parsers() if f'"{name}"' in text] == []


def test_no_room_can_take_an_address_that_an_app_answers():
    from streaming_system.config import RESERVED_ROOM_IDS, ROOM_ID_PATTERN

    first_parts = {path.strip("/").split("/")[0] for path in _paths("frontend") | _paths("tracker")}
    could_be_rooms = {part for part in first_parts if ROOM_ID_PATTERN.fullmatch(part)}

    assert could_be_rooms - RESERVED_ROOM_IDS == set()
    assert {"monitor", "static", "endpoint"} <= could_be_rooms


def _paths(app):
    import importlib

    from pyramid.config import Configurator
    from pyramid.interfaces import IRoutesMapper

    config = Configurator()
    config.include(importlib.import_module(f"streaming_system.{app}.routes"))
    config.commit()
    return {route.pattern for route in config.registry.getUtility(IRoutesMapper).get_routes()}
