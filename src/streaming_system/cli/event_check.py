"""Finds what cannot work in the conferences of a site."""

from pathlib import Path

from streaming_system.cli.site_check import FRONTEND, SiteCheck, check_frontend_files
from streaming_system.config import ConfigError, Finding, check_configuration
from streaming_system.config.events import (
    CONFIG_NAME,
    MAX_ROOM_ID_CHARS,
    event_settings,
    events_folder,
    find_name_problem,
    list_event_folders,
    room_prefix,
)
from streaming_system.config.findings import WARNING
from streaming_system.config.ini_file import IniFile, load_ini
from streaming_system.config.loader import NO_ROOMS


def check_events(ini: Path, site: SiteCheck, *, production: bool = False) -> dict[str, SiteCheck]:
    """Check all conferences; names that collide with the site are errors of the site.

    :param site: the result for the site.
    """
    parsed = load_ini(ini)
    # The check of the site reports an invalid file.
    if isinstance(parsed, Finding) or not parsed.parser.has_section(f"app:{FRONTEND}"):
        return {}
    settings = parsed.values(f"app:{FRONTEND}")
    folder = events_folder(settings)
    if folder is None:
        return {}
    if not folder.is_dir():
        message = f"there is no folder {folder}; create it, or remove the key"
        site.findings.append(parsed.finding("DEFAULT", "events.folder", message))
        return {}
    names = list_event_folders(settings)
    rooms = site.conference.rooms if site.conference else {}
    problems = {name: find_name_problem(name, rooms) for name in names}
    site.findings += [
        Finding(file=folder / name, message=problem)
        for name, problem in problems.items()
        if problem
    ]
    valid = [name for name in names if not problems[name]]
    for name in valid:
        prefix = room_prefix(name)
        site.findings += [
            Finding(
                file=folder / name,
                message=f"its rooms are called {prefix}… in the tracker, as room {room!r} of the "
                "site; rename the folder or the room",
            )
            for room in rooms
            if room.startswith(prefix)
        ]
    if valid:
        # The list of the conferences is the start page of a site without rooms.
        site.findings = [each for each in site.findings if each.message != NO_ROOMS]
    return {name: _check(parsed, name, production=production) for name in valid}


def check_event(ini: Path, name: str, *, production: bool = False) -> SiteCheck:
    """Check one conference."""
    parsed = load_ini(ini)
    if isinstance(parsed, Finding):
        return SiteCheck(findings=[parsed])
    return _check(parsed, name, production=production)


def _check(ini: IniFile, name: str, *, production: bool) -> SiteCheck:
    result = SiteCheck()
    try:
        settings = event_settings(ini.values(f"app:{FRONTEND}"), name)
        checked = check_configuration(settings)
    except ConfigError as error:
        result.findings.append(Finding(message=str(error)))
        return result
    result.conference, result.sections = checked.conference, checked.sections
    result.theme = check_frontend_files(ini, settings, checked, production=production)
    checked.sections.sort_findings()
    result.findings += checked.findings
    folder = Path(settings["config.public"]).parent
    own_secret = checked.conference.site.secret if checked.conference else ""
    if own_secret:
        message = "has a secret, which is not used: the tracker has that of the site"
        result.findings.append(
            Finding(file=folder / CONFIG_NAME, message=message, severity=WARNING)
        )
    prefix = room_prefix(name)
    result.findings += [
        Finding(
            file=folder / CONFIG_NAME,
            subject=f"room {room!r}",
            message=f"is {prefix}{room} in the tracker, which has more than {MAX_ROOM_ID_CHARS} "
            "characters; shorten the id, or the name of the folder",
        )
        for room in (checked.conference.rooms if checked.conference else ())
        if len(prefix + room) > MAX_ROOM_ID_CHARS
    ]
    return result
