"""Loads plugins: built-in ones, installed packages, and files in the plugin folder."""

import importlib
import importlib.metadata
import importlib.util
import logging
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from streaming_system.plugin import hooks
from streaming_system.plugin.hooks import API_VERSION, PROJECT

log = logging.getLogger(__name__)

BUILT_IN_PACKAGE = "streaming_system.parsers"
ENTRY_POINT_GROUP = "streaming_system"
# Former names of hooks.
RENAMED_HOOKS = {
    "event_filter": "filter_talk",
    "event_enrich": "enrich_talk",
    "notify": "schedule_changed",
    "notify_incident": "incident_changed",
    "encoder_sources": "register_stats_sources",
}


class PluginError(Exception):
    """A plugin cannot be loaded or has failed; the message is one line that names it."""


@dataclass(frozen=True, kw_only=True)
class PluginCandidate:
    """A plugin that can be loaded.

    :param name: name of its module.
    :param origin: where it is: "built in (…)", "package …", or the path of its file.
    :param load: returns the module; it can raise anything.
    :param module: the full name of its module; "" for a file of the plugin folder.
    """

    name: str
    origin: str
    load: Callable[[], ModuleType]
    module: str = ""
    is_built_in: bool = False


def create_plugin_manager(
    folder: Path | None = None,
    only_plugin: Path | None = None,
    built_in: str = BUILT_IN_PACKAGE,
) -> pluggy.PluginManager:
    """Return a manager with all plugins, loaded in a fixed order.

    :param folder: the plugin folder; files called ``test_…`` are tests, and not loaded.
    :param only_plugin: the only file of the folder to load. An installed plugin with the same file
        or the same module name is left out: the file replaces it.
    :param built_in: the package of the built-in plugins.
    :raises PluginError: if a plugin cannot be loaded, or implements an unknown hook.
    """
    manager = create_empty_manager()
    for candidate in find_plugins(folder, only_plugin, built_in):
        register_plugin(manager, candidate)
    return manager


def create_empty_manager() -> pluggy.PluginManager:
    """Return a manager that knows the hooks, and no plugin."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def find_plugins(
    folder: Path | None, only_plugin: Path | None = None, built_in: str = BUILT_IN_PACKAGE
) -> Iterator[PluginCandidate]:
    """Yield the plugins in the order in which they are loaded.

    The parameters are those of :func:`create_plugin_manager`.
    """
    packaged = (*_built_in_plugins(built_in), *_installed_plugins())
    if only_plugin is None:
        yield from packaged
        for path in sorted(folder.glob("*.py")) if folder and folder.is_dir() else []:
            if not path.name.startswith("test_"):
                yield _file_plugin(path)
        return
    file = _file_plugin(only_plugin)
    for candidate in packaged:
        if _module_file(candidate.module) == only_plugin.resolve():
            # A module of a package cannot be loaded without it.
            file = replace(candidate, origin=str(only_plugin))
        elif candidate.is_built_in or candidate.name != file.name:
            yield candidate
    yield file


def load_built_in_plugins() -> None:
    """Import the built-in plugins, so that sandboxes, which are forks, need not do so each time."""
    for candidate in _built_in_plugins(BUILT_IN_PACKAGE):
        candidate.load()


def _built_in_plugins(built_in: str) -> Iterator[PluginCandidate]:
    package = importlib.import_module(built_in)
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        file_name = f"{info.name}/" if info.ispkg else f"{info.name}.py"
        module = f"{built_in}.{info.name}"
        yield PluginCandidate(
            name=info.name,
            origin=f"built in ({file_name})",
            load=partial(importlib.import_module, module),
            module=module,
            is_built_in=True,
        )


def _installed_plugins() -> Iterator[PluginCandidate]:
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    for point in sorted(points, key=lambda point: point.name):
        yield PluginCandidate(
            name=point.module.split(".")[-1],
            origin=f"package {point.dist.name if point.dist else point.value}",
            load=point.load,
            module=point.module,
        )


def _file_plugin(path: Path) -> PluginCandidate:
    name = path.resolve().parent.name if path.stem == "__init__" else path.stem
    return PluginCandidate(name=name, origin=str(path), load=partial(_load_plugin_file, path))


def _module_file(module: str) -> Path | None:
    """Return the file of a module; ``None`` if it cannot be found."""
    try:
        spec = importlib.util.find_spec(module) if module else None
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin).resolve() if spec and spec.origin else None


def register_plugin(manager: pluggy.PluginManager, candidate: PluginCandidate) -> ModuleType:
    """Load a plugin, register its hooks, and return its module.

    :raises PluginError: if it cannot be loaded, or implements an unknown hook.
    """
    origin = candidate.origin
    plugin: ModuleType = call_plugin(origin, candidate.load)
    _require_api(origin, getattr(plugin, "REQUIRED_API", API_VERSION))
    for old, new in RENAMED_HOOKS.items():
        if manager.parse_hookimpl_opts(plugin, old) is not None:
            raise PluginError(f"{origin}: the hook {old!r} is now called {new!r}: rename it")
    try:
        manager.register(plugin, name=origin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{origin}: {error!s:.200}") from None
    return plugin


def _require_api(origin: str, required: Any) -> None:
    """Refuse a plugin whose ``REQUIRED_API`` this program does not have.

    :raises PluginError: then, or if it is not a pair of numbers.
    """
    match required:
        case (int() as major, int() as minor):
            pass
        case _:
            raise PluginError(
                f"{origin}: REQUIRED_API is {required!r:.80}; allowed: a pair such as (1, 0)"
            )
    if (major, minor) > API_VERSION:
        program = "update streaming-system"
    elif major < API_VERSION[0]:
        program = "update the plugin"
    else:
        return
    current = ".".join(map(str, API_VERSION))
    raise PluginError(
        f"{origin}: needs version {major}.{minor} of the plugin API, and this program has "
        f"{current}: {program}"
    )


def _load_plugin_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"streaming_system_dropped_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("it cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call_plugin(origin: str, call: Callable[[], Any]) -> Any:
    """Call code of a plugin, and convert each exception to a :class:`PluginError`."""
    try:
        return call()
    except Exception as error:
        log.debug("plugin %s failed", origin, exc_info=True)
        raise PluginError(f"{origin}: {type(error).__name__}: {error!s:.200}") from error
