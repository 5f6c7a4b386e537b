"""Lists the plugins of a site, also those that cannot be loaded."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from streaming_system.plugin_host.manager import (
    PluginCandidate,
    PluginError,
    call_plugin,
    create_empty_manager,
    find_plugins,
    register_plugin,
)
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError, run_sandboxed
from streaming_system.util.plugin_inventory import PluginInfo

# Hooks whose results have names.
NAMING_HOOKS = ("register_parsers", "register_stats_sources")


def list_plugins(folder: Path | None, limits: ResourceLimits) -> list[PluginInfo]:
    """Return all plugins in the order in which they are loaded.

    The sandboxes keep a plugin that hangs or exits from hiding the others.

    :param folder: the plugin folder; it can be missing.
    """
    plugins = []
    for candidate in find_plugins(folder):
        if candidate.is_built_in:
            plugins.append(_inspect(candidate))
            continue
        try:
            plugins.append(run_sandboxed("loading it", _inspect, (candidate,), limits))
        except SandboxError as error:
            plugins.append(_failed(candidate, str(error)))
    return list(_with_duplicates(plugins))


def _inspect(candidate: PluginCandidate) -> PluginInfo:
    manager = create_empty_manager()
    try:
        plugin = register_plugin(manager, candidate)
        callers = manager.get_hookcallers(plugin) or []
        hooks = tuple(sorted(caller.name for caller in callers))
        formats = tuple(
            name
            for hook in NAMING_HOOKS
            if hook in hooks
            for name in _names(candidate.origin, getattr(plugin, hook))
        )
    except PluginError as error:
        return _failed(candidate, str(error).removeprefix(f"{candidate.origin}: "))
    return PluginInfo(
        name=candidate.name,
        origin=candidate.origin,
        summary=_summary(plugin),
        hooks=hooks,
        formats=formats,
        is_built_in=candidate.is_built_in,
    )


def _names(origin: str, hook: Callable[[], Any]) -> list[str]:
    return list(call_plugin(origin, lambda: [str(item.name) for item in hook()]))


def _summary(plugin: ModuleType) -> str:
    # Docstrings mark code as reStructuredText does.
    return next(iter((plugin.__doc__ or "").strip().splitlines()), "").replace("``", "")


def _failed(candidate: PluginCandidate, error: str) -> PluginInfo:
    return PluginInfo(name=candidate.name, origin=candidate.origin, error=error)


def _with_duplicates(plugins: Iterable[PluginInfo]) -> Iterable[PluginInfo]:
    """Yield the plugins; one that repeats a name has an error, as in an import."""
    origins: dict[str, str] = {}
    for plugin in plugins:
        name = next((name for name in plugin.formats if name in origins), None)
        if name is not None:
            error = f"offers {name!r}, as does {origins[name]}: remove one of them"
            yield replace(plugin, error=error)
            continue
        origins.update(dict.fromkeys(plugin.formats, plugin.origin))
        yield plugin
