"""The list of plugins that the last import loaded, as a file for the crew's pages."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder

FILE_NAME = "plugins.json"


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """A plugin and what it offers.

    :param name: name of its module.
    :param origin: where it is: "built in (…)", "package …", or the path of its file.
    :param summary: the first line of its documentation.
    :param hooks: the hooks that it implements.
    :param formats: the names of its parsers, and of its types of streaming servers.
    :param error: why it cannot be loaded; "" if it can.
    """

    name: str
    origin: str
    summary: str = ""
    hooks: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    error: str = ""
    is_built_in: bool = False


@dataclass(frozen=True, kw_only=True)
class PluginInventory:
    """The plugins at one moment (UTC)."""

    plugins: tuple[PluginInfo, ...]
    listed_at: datetime


def inventory_path(schedule_file: Path) -> Path:
    """Return the path of the inventory: beside the schedule file."""
    return schedule_file.with_name(FILE_NAME)


def save_inventory(path: Path, plugins: Sequence[PluginInfo], *, now: datetime) -> None:
    """Replace the inventory.

    :raises OSError: if it cannot be written.
    """
    document = {
        "listed": now.astimezone(UTC).isoformat(),
        "plugins": [dataclasses.asdict(plugin) for plugin in plugins],
    }
    make_private_folder(path.parent)
    with atomic_write(path, mode=FILE_MODE) as file:
        file.write(json.dumps(document, ensure_ascii=False, indent=1).encode())


def load_inventory(path: Path) -> PluginInventory | None:
    """Return the inventory; ``None`` if there is none, or none that this version can read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return PluginInventory(
            plugins=tuple(
                PluginInfo(
                    **item | {"hooks": tuple(item["hooks"]), "formats": tuple(item["formats"])}
                )
                for item in document["plugins"]
            ),
            listed_at=datetime.fromisoformat(document["listed"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
