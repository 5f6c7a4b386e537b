"""Loads source types, and configures those that agent.ini names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from streaming_system.agent.config import AgentConfig, SourceConfig
from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.probe import HttpProbe
from streaming_system.plugin.stats_source import (
    InvalidResponseError,
    MountStats,
    SourceOption,
    StatsSource,
)
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager

BUILT_IN_PACKAGE = "streaming_system.agent.sources"


@dataclass(frozen=True, kw_only=True)
class ConfiguredSource:
    """A source of agent.ini that is ready to be polled."""

    config: SourceConfig
    source: StatsSource
    probe: HttpProbe


def load_sources(folder: Path | None = None) -> Mapping[str, StatsSource]:
    """Return the available source types by name.

    :param folder: plugins.
    :raises PluginError: if a plugin cannot be loaded, or a name is registered twice.
    """
    manager = create_plugin_manager(folder, built_in=BUILT_IN_PACKAGE)
    sources: dict[str, StatsSource] = {}
    for hook in manager.hook.register_stats_sources.get_hookimpls():
        for source in _call_plugin(hook):
            if not isinstance(source, StatsSource):
                raise PluginError(
                    f"{hook.plugin_name}: register_stats_sources must return a list of StatsSource"
                )
            if source.name in sources:
                raise PluginError(f"{hook.plugin_name}: there is a source {source.name!r} already")
            sources[source.name] = source
    return dict(sorted(sources.items()))


def _call_plugin(hook: pluggy.HookImpl) -> list[Any]:
    """Return the result of a plugin's hook.

    :raises PluginError: if the plugin raises anything.
    """
    try:
        result: Any = hook.function()
        return list(result)
    except Exception as error:
        raise PluginError(f"{hook.plugin_name}: {type(error).__name__}: {error!s:.200}") from error


def fetch_mounts(source: StatsSource, probe: HttpProbe) -> list[MountStats]:
    """Poll a server once, and return the stats of the mounts that are streaming.

    :raises SourceError: if the server fails, or if nothing in its responses is valid.
    """
    probe.start_poll()
    mounts = list(source.fetch(probe))
    if probe.problems and not mounts:
        raise InvalidResponseError(str(probe.problems))
    return mounts


def configure_sources(agent: AgentConfig) -> tuple[ConfiguredSource, ...]:
    """Return the sources that agent.ini names.

    :raises AgentConfigError: if a type is unknown, or an option is invalid.
    :raises PluginError: if a plugin cannot be loaded.
    """
    types = load_sources(agent.plugins)
    sources = []
    for config in agent.sources:
        section = config.options
        if config.use not in types:
            raise section.error("use", config.use, ", ".join(types))
        source = types[config.use]
        options = {option.name: _parse_option(section, option) for option in source.options}
        section.reject_unknown_keys()
        mounts = tuple(stream.mount for stream in config.streams)
        probe = HttpProbe(options=options, mounts=mounts)
        sources.append(ConfiguredSource(config=config, source=source, probe=probe))
    return tuple(sources)


def _parse_option(section: ConfigSection, option: SourceOption) -> str:
    if option.kind == "url":
        return section.url(option.name, option.default)
    if option.kind == "secret":
        return section.secret(option.name)
    return section.text(option.name, option.default, option.summary)
