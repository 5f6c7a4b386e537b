"""Finds the kinds of sources, and makes those that an agent.ini names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from streaming_system.agent.config import AgentConfig, SourceConfig
from streaming_system.agent.probe import HttpProbe
from streaming_system.plugin.stats_source import StatsSource
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager

BUILT_IN_PACKAGE = "streaming_system.agent.sources"


@dataclass(frozen=True, kw_only=True)
class ConfiguredSource:
    """A source that can be read."""

    config: SourceConfig
    source: StatsSource
    probe: HttpProbe


def load_sources(folder: Path | None = None) -> Mapping[str, StatsSource]:
    """Return every kind of source there is, by name.

    :param folder: where plugins are dropped in.
    :raises PluginError: if a plugin cannot be loaded, or two offer the same name.
    """
    manager = create_plugin_manager(folder, built_in=BUILT_IN_PACKAGE)
    found: dict[str, StatsSource] = {}
    for offer in manager.hook.encoder_sources.get_hookimpls():
        for source in _call_plugin(offer):
            if not isinstance(source, StatsSource):
                raise PluginError(f"{offer.plugin_name}: encoder_sources must return Sources")
            if source.name in found:
                raise PluginError(f"{offer.plugin_name}: there is a source {source.name!r} already")
            found[source.name] = source
    return dict(sorted(found.items()))


def _call_plugin(offer: pluggy.HookImpl) -> list[Any]:
    """Call a plugin's code; whatever it raises becomes one line that names the plugin."""
    try:
        offered: Any = offer.function()
        return list(offered)
    except Exception as error:
        raise PluginError(f"{offer.plugin_name}: {type(error).__name__}: {error!s:.200}") from error


def configure_sources(agent: AgentConfig) -> tuple[ConfiguredSource, ...]:
    """Return the sources that an agent.ini names.

    :raises ConfigError: if there is no such kind, or an option is not allowed.
    :raises PluginError: if a plugin cannot be used.
    """
    kinds = load_sources(agent.plugins)
    prepared = []
    for config in agent.sources:
        section = config.options
        if config.use not in kinds:
            raise section.error("use", config.use, ", ".join(kinds))
        source = kinds[config.use]
        options = {}
        for option in source.options:
            if option.kind == "url":
                value = section.url(option.name, option.default)
            elif option.kind == "secret":
                value = section.secret(option.name)
            else:
                value = section.text(option.name, option.default, option.summary)
            options[option.name] = value
        section.finish()
        mounts = tuple(stream.mount for stream in config.streams)
        prepared.append(
            ConfiguredSource(
                config=config, source=source, probe=HttpProbe(options=options, mounts=mounts)
            )
        )
    return tuple(prepared)
