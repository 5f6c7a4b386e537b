"""Reads a feed in a process of its own, with limits: feeds lie, and plugins are strangers' code."""

import logging
import multiprocessing
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system import plugin_hooks
from streaming_system.net.ssrf import Networks
from streaming_system.parsing import (
    PluginError,
    choose,
    parsers_of,
    plugin_manager,
    read_talks,
)
from streaming_system.plugin.feed import FeedError, read_feed
from streaming_system.plugin.incident import Incident
from streaming_system.schedule.check import Checked
from streaming_system.schedule.diff import Change
from streaming_system.schedule.fetch import fetch

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a feed may cost.

    :param download: bytes of a feed as it comes in.
    :param inflated: bytes of a feed that came compressed.
    :param seconds: for which its server may be silent; from the feed's bytes to its checked talks.
    :param memory: bytes of address space that the process that reads it may take.
    """

    download: int = 16 * 2**20
    inflated: int = 64 * 2**20
    seconds: float = 30
    memory: int = 2**30


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How feeds are read: what the ini and the configuration say.

    :param plugins: the folder of dropped-in plugins.
    :param only: of these, the one to load; all, unless given.
    :param format: the parser to use; "" to recognise the feed.
    :param networks: the private addresses that feeds may come from.
    """

    plugins: Path | None = None
    only: Path | None = None
    format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    networks: Networks = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A feed that has been read.

    :param format: the name of the parser.
    :param zone: the zone that the feed names for itself.
    """

    format: str
    checked: Checked
    zone: ZoneInfo | None = None


def read(source: str, data: bytes, reader: Reader, timezone: ZoneInfo | None = None) -> Reading:
    """Read and check a feed in a process of its own.

    :raises FeedError: if it cannot be used, or costs more than the limits allow.
    :raises PluginError: if a plugin cannot be loaded.
    """
    reading: Reading = run_limited(_read, (source, data, reader, timezone), reader.limits)
    return reading


def read_source(source: str, reader: Reader, timezone: ZoneInfo | None = None) -> Reading:
    """Fetch a feed, then do what :func:`read` does."""
    limits = reader.limits
    data = fetch(source, limit=limits.download, seconds=limits.seconds, networks=reader.networks)
    return read(source, data, reader, timezone)


def _read(source: str, data: bytes, reader: Reader, timezone: ZoneInfo | None) -> Reading:
    feed = read_feed(data, source, max_inflated=reader.limits.inflated)
    manager = plugin_manager(reader.plugins, reader.only)
    found = choose(feed, parsers_of(manager), reader.format)
    checked, context = read_talks(feed, found, timezone, reader.columns, manager)
    return Reading(format=found.parser.name, checked=checked, zone=context.feed_timezone)


def tell(changes: Sequence[Change], zones: Mapping[str, ZoneInfo], reader: Reader) -> None:
    """Tell plugins what an import has changed, in a process of its own; failures are logged."""
    if not changes:
        return
    limits = Limits(seconds=NOTIFY_SECONDS, memory=reader.limits.memory)
    try:
        run_limited(_tell, (list(changes), dict(zones), reader.plugins), limits)
    except (FeedError, PluginError) as error:
        log.warning("telling plugins of the changes: %s", error)


def _tell(changes: list[Change], zones: dict[str, ZoneInfo], folder: Path | None) -> None:
    plugin_hooks.tell(plugin_manager(folder), changes, zones)


def incident_listeners(reader: Reader) -> Sequence[str]:
    """Return the names of the plugins that want to hear what is wrong.

    :raises FeedError: if finding them takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = Limits(seconds=NOTIFY_SECONDS, memory=reader.limits.memory)
    names: Sequence[str] = run_limited(_incident_listeners, (reader.plugins,), limits)
    return names


def _incident_listeners(folder: Path | None) -> Sequence[str]:
    return plugin_hooks.incident_listeners(plugin_manager(folder))


def tell_incident(
    name: str, incident: Incident, options: Mapping[str, str], reader: Reader
) -> None:
    """Tell one plugin what is wrong, or over, in a process of its own.

    :raises FeedError: if it fails, or takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = Limits(seconds=NOTIFY_SECONDS, memory=reader.limits.memory)
    run_limited(_tell_incident, (name, incident, dict(options), reader.plugins), limits)


def _tell_incident(
    name: str, incident: Incident, options: Mapping[str, str], folder: Path | None
) -> None:
    plugin_hooks.tell_incident(plugin_manager(folder), name, incident, options)


def run_limited(job: Callable[..., Any], arguments: tuple[Any, ...], limits: Limits) -> Any:
    """Run ``job`` in a process of its own and return what it returns.

    :raises FeedError: if it takes too long, needs too much memory, or its process dies.
    """
    # A fork has our modules already; the commands that get here run no other thread.
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(send, limits.memory, job, arguments))
    process.start()
    send.close()
    try:
        if not receive.poll(limits.seconds):
            raise FeedError(f"reading it took longer than {limits.seconds:g} s and was stopped")
        error, result = receive.recv()
    except EOFError:
        process.join()
        raise FeedError(f"its reader died (exit code {process.exitcode})") from None
    finally:
        process.kill()
        process.join()
        receive.close()
    if error is not None:
        raise error
    return result


def _address_space() -> int:
    """Return the bytes of address space that this process has; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _child(
    send: Connection, memory: int, job: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    # What the parent has taken is not this feed's doing.
    most = _address_space() + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    # A crash is reported by us, not by a file that fills the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        outcome: tuple[Exception | None, Any] = (None, job(*arguments))
    except (FeedError, PluginError) as error:
        outcome = (type(error)(str(error)), None)
    except MemoryError:
        outcome = (FeedError(f"reading it needs more than {memory // 2**20} MiB of memory"), None)
    except RecursionError:
        outcome = (FeedError("it is nested too deeply"), None)
    send.send(outcome)
    send.close()
