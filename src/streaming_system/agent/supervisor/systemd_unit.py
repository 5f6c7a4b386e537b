"""Checks that a systemd unit is active."""

import re

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.subprocesses import ProgramError, ProgramNotFoundError
from streaming_system.agent.supervisor.check_result import (
    SLEEPING,
    CheckResult,
    check_error,
    happy,
    sad,
)
from streaming_system.agent.supervisor.check_tools import CheckTools

UNIT_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@_.:\\-]{0,254}")
UNIT_PROPERTIES = "LoadState,ActiveState,SubState,Result"


class UnitCheck:
    """Runs ``systemctl show``."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        allowed = "a unit of systemd, such as icecast2.service"
        self._unit = section.pattern("unit", UNIT_NAME, allowed)
        self._runner = tools.runner

    def __call__(self, timeout: float) -> CheckResult:
        """Return the state of the unit."""
        command = ("systemctl", "show", f"--property={UNIT_PROPERTIES}", "--", self._unit)
        try:
            completed = self._runner.run(command, timeout)
        except ProgramNotFoundError:
            return check_error("systemctl is not installed")
        except ProgramError:
            return check_error("systemctl does not respond")
        if completed.status:
            message = " ".join(completed.stderr.split())
            if "not been booted with systemd" in message or "connect to bus" in message:
                return check_error("systemd does not run on this machine")
            return check_error(message[:80] or "systemctl failed")
        lines = completed.stdout.decode("utf-8", "replace").splitlines()
        return _evaluate_unit(dict(line.split("=", 1) for line in lines if "=" in line))


def _evaluate_unit(properties: dict[str, str]) -> CheckResult:
    load_state = properties.get("LoadState", "")
    active_state = properties.get("ActiveState", "")
    sub_state = properties.get("SubState", "")
    result = properties.get("Result", "")
    if load_state == "masked":
        return CheckResult(mood=SLEEPING, detail="the unit is masked")
    if load_state == "not-found":
        return check_error("the unit does not exist")
    if load_state != "loaded":
        return check_error(f"the unit is {load_state}")
    if active_state in ("active", "reloading", "refreshing"):
        return happy(sub_state)
    if active_state in ("activating", "deactivating"):
        return CheckResult(mood="waking", detail=f"{active_state}, {sub_state}")
    suffix = f", {result}" if result not in ("", "success") else ""
    return sad(f"the unit is {active_state or 'unknown'}{suffix}")
