"""Loads plugins: built-in ones, installed packages, and files in the plugin folder."""

import importlib
import importlib.metadata
import importlib.util
import logging
import pkgutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from streaming_system.plugin import hooks
from streaming_system.plugin.hooks import PROJECT

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


def create_plugin_manager(
    folder: Path | None = None,
    only_plugin: Path | None = None,
    built_in: str = BUILT_IN_PACKAGE,
) -> pluggy.PluginManager:
    """Return a manager with all plugins, loaded in a fixed order.

    :param folder: the plugin folder; files called ``test_…`` are tests, and not loaded.
    :param only_plugin: the only file of the folder to load.
    :param built_in: the package of the built-in plugins.
    :raises PluginError: if a plugin cannot be loaded, or implements an unknown hook.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    package = importlib.import_module(built_in)
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        plugin = importlib.import_module(f"{built_in}.{info.name}")
        file_name = f"{info.name}/" if info.ispkg else f"{info.name}.py"
        _register_plugin(manager, plugin, f"built in ({file_name})")
    for point in sorted(
        importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name
    ):
        origin = f"package {point.dist.name if point.dist else point.value}"
        _register_plugin(manager, call_plugin(origin, point.load), origin)
    for path in sorted(folder.glob("*.py")) if folder and folder.is_dir() else []:
        if path == only_plugin or (only_plugin is None and not path.name.startswith("test_")):
            _register_plugin(manager, _load_plugin_file(path), str(path))
    return manager


def _register_plugin(manager: pluggy.PluginManager, plugin: ModuleType, origin: str) -> None:
    for old, new in RENAMED_HOOKS.items():
        if manager.parse_hookimpl_opts(plugin, old) is not None:
            raise PluginError(f"{origin}: the hook {old!r} is now called {new!r}: rename it")
    try:
        manager.register(plugin, name=origin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{origin}: {error!s:.200}") from None


def _load_plugin_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"streaming_system_dropped_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    call_plugin(str(path), lambda: loader.exec_module(module))
    return module


def call_plugin(origin: str, call: Callable[[], Any]) -> Any:
    """Call code of a plugin, and convert each exception to a :class:`PluginError`."""
    try:
        return call()
    except Exception as error:
        log.debug("plugin %s failed", origin, exc_info=True)
        raise PluginError(f"{origin}: {type(error).__name__}: {error!s:.200}") from error
