"""A unit of systemd is active."""

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
    """Asks systemd."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._unit = section.pattern(
            "unit", UNIT_NAME, "a unit of systemd, such as icecast2.service"
        )
        self._programs = kit.programs

    def __call__(self, within: float) -> CheckResult:
        """Return how the unit is."""
        command = ("systemctl", "show", f"--property={UNIT_PROPERTIES}", "--", self._unit)
        try:
            ended = self._programs.run(command, within)
        except ProgramNotFoundError:
            return check_error("there is no systemctl")
        except ProgramError:
            return check_error("systemctl does not answer")
        if ended.status:
            said = " ".join(ended.said.split())
            absent = "not been booted with systemd" in said or "connect to bus" in said
            return check_error("systemd does not run here" if absent else said[:80] or "systemctl")
        lines = ended.printed.decode("utf-8", "replace").splitlines()
        return _evaluate_unit(dict(line.split("=", 1) for line in lines if "=" in line))


def _evaluate_unit(said: dict[str, str]) -> CheckResult:
    load, active = said.get("LoadState", ""), said.get("ActiveState", "")
    sub, result = said.get("SubState", ""), said.get("Result", "")
    if load == "masked":
        return CheckResult(mood=SLEEPING, detail="the unit is masked")
    if load != "loaded":
        return check_error(
            "there is no such unit" if load == "not-found" else f"the unit is {load}"
        )
    if active in ("active", "reloading", "refreshing"):
        return happy(sub)
    if active in ("activating", "deactivating"):
        return CheckResult(mood="waking", detail=f"{active}, {sub}")
    why = f", {result}" if result not in ("", "success") else ""
    return sad(f"the unit is {active or 'unknown'}{why}")
