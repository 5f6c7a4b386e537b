"""Runs untrusted code in a subprocess with limits of time and memory."""

import gc
import multiprocessing
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError


class SandboxError(Exception):
    """The subprocess has exceeded a limit or died; the message is one line that names the task."""


class SandboxTimeoutError(SandboxError):
    """The subprocess has exceeded its time limit."""


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """Limits for the import of a feed.

    :param max_download_bytes: size of the download.
    :param max_decompressed_bytes: size after decompression.
    :param timeout: seconds for each read from the server, and for the subprocess.
    :param max_memory_bytes: address space that the subprocess can allocate.
    """

    max_download_bytes: int = 16 * 2**20
    max_decompressed_bytes: int = 64 * 2**20
    timeout: float = 30
    max_memory_bytes: int = 2**30


def run_sandboxed(
    task: str, function: Callable[..., Any], arguments: tuple[Any, ...], limits: ResourceLimits
) -> Any:
    """Call a function in a subprocess, and return its result.

    :param task: describes the call in error messages: "reading the feed".
    :raises SandboxTimeoutError: if it exceeds the time limit.
    :raises SandboxError: if it exceeds another limit, or the subprocess dies.
    :raises FeedError: if the function raises it.
    :raises PluginError: if the function raises it.
    """
    [result] = iterate_sandboxed(task, _yield_result, (function, arguments), limits)
    return result


def iterate_sandboxed(
    task: str,
    function: Callable[..., Iterator[Any]],
    arguments: tuple[Any, ...],
    limits: ResourceLimits,
) -> Iterator[Any]:
    """Call a generator function in one subprocess, and yield its values.

    The time limit applies to each value. The parameters and errors are those of
    :func:`run_sandboxed`.
    """
    # A forked child has all modules loaded. The calling commands run no other threads.
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(
        target=_run_child, args=(send, limits.max_memory_bytes, task, function, arguments)
    )
    process.start()
    send.close()
    try:
        while True:
            if not receive.poll(limits.timeout):
                raise SandboxTimeoutError(
                    f"{task} took longer than {limits.timeout:g} s and was stopped"
                )
            error, values = receive.recv()
            if error is not None:
                raise error
            if not values:
                return
            yield from values
    except EOFError:
        process.join()
        raise SandboxError(
            f"{task} failed: the subprocess ended with exit code {process.exitcode}"
        ) from None
    finally:
        process.kill()
        process.join()
        receive.close()


def _yield_result(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Iterator[Any]:
    yield function(*arguments)


def _address_space_bytes() -> int:
    """Return the size of this process's address space; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _run_child(
    send: Connection,
    max_memory_bytes: int,
    task: str,
    function: Callable[..., Iterator[Any]],
    arguments: tuple[Any, ...],
) -> None:
    # The address space that fork has copied does not count.
    limit = _address_space_bytes() + max_memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crash must not fill the disk with a core dump.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A collection would copy all pages of objects that the parent has.
    gc.freeze()
    error: Exception | None = None
    try:
        for value in function(*arguments):
            send.send((None, (value,)))
    except (FeedError, PluginError) as raised:
        error = type(raised)(str(raised))
    except MemoryError:
        mebibytes = max_memory_bytes // 2**20
        error = SandboxError(f"{task} needs more than {mebibytes} MiB of memory")
    except RecursionError:
        error = SandboxError(f"{task} failed: the input is nested too deeply")
    # No values: the end.
    send.send((error, ()))
    send.close()
