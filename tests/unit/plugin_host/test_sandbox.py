"""Functions in a sandbox, and errors that name the task."""

import os
import time

import pytest

from streaming_system.plugin_host.sandbox import (
    ResourceLimits,
    SandboxError,
    SandboxTimeoutError,
    iterate_sandboxed,
    run_sandboxed,
)

MIB = 2**20


def allocate(size):
    return bytearray(size)


def recurse():
    recurse()


def test_sandbox_returns_the_result():
    assert run_sandboxed("adding", sum, ((1, 2),), ResourceLimits()) == 3


def work_until(number):
    yield from range(number)
    time.sleep(60)


def test_sandbox_returns_values_until_a_slow_one():
    results = iterate_sandboxed("adding", work_until, (3,), ResourceLimits(timeout=0.5))

    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SandboxTimeoutError):
        next(results)


def test_sandbox_stops_a_slow_task_and_names_it():
    with pytest.raises(SandboxTimeoutError) as error:
        run_sandboxed("notifying", time.sleep, (60,), ResourceLimits(timeout=0.1))

    assert str(error.value) == "notifying took longer than 0.1 s and was stopped"


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (allocate, (100 * MIB,), "notifying needs more than 50 MiB of memory"),
        (recurse, (), "notifying failed: the input is nested too deeply"),
        (os._exit, (3,), "notifying failed: the subprocess ended with exit code 3"),
    ],
)
def test_sandbox_errors_name_the_task(function, arguments, message):
    with pytest.raises(SandboxError) as error:
        run_sandboxed("notifying", function, arguments, ResourceLimits(max_memory_bytes=50 * MIB))

    assert str(error.value) == message
