"""Runs strangers' code in a process of its own, with limits of time and memory."""

import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
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


def run_sandboxed(
    job: Callable[..., Any], arguments: tuple[Any, ...], limits: ResourceLimits
) -> Any:
    """Run ``job`` in a process of its own and return what it returns.

    :raises FeedError: if it takes too long, needs too much memory, or its process dies.
    """
    # A fork has our modules already; the commands that get here run no other thread.
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_run_child, args=(send, limits.memory, job, arguments))
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


def _address_space_bytes() -> int:
    """Return the bytes of address space that this process has; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _run_child(
    send: Connection, memory: int, job: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    # What the parent has taken is not this feed's doing.
    most = _address_space_bytes() + memory
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
