"""Finds what cannot work in a site's ini file and configuration, all of it in one run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from streaming_system.cli.common import feed_options
from streaming_system.config import (
    CheckedConference,
    ConferenceConfig,
    ConfigError,
    Finding,
    check_configuration,
)
from streaming_system.config.events import EVENT_KEY
from streaming_system.config.findings import ERROR, WARNING
from streaming_system.config.ini import SettingsError
from streaming_system.config.ini_file import (
    IniFile,
    check_ini_keys,
    load_ini,
)
from streaming_system.config.ini_keys import FRONTEND_KEYS
from streaming_system.config.sections import SITE, ConfigSections
from streaming_system.net.ssrf import SETTING, NetworkSettingError, parse_allowed_networks
from streaming_system.plugin_host.manager import PluginError
from streaming_system.schedule_import.feed_reader import is_sample_feed
from streaming_system.schedule_import.importer import describe_sample_feed
from streaming_system.schedule_import.parsers import load_parsers
from streaming_system.util.suggestions import did_you_mean

FRONTEND, TRACKER = "frontend", "tracker"
APPS = (FRONTEND, TRACKER)


@dataclass
class SiteCheck:
    """The result of :func:`check_site`.

    :ivar findings: errors and warnings, in the order of the files.
    :ivar conference: the configuration; ``None`` if it has errors.
    :ivar sections: the sections of the JSON files, which know the place of each key.
    :ivar theme: the name of the theme, "" if there is none.
    """

    findings: list[Finding] = field(default_factory=list)
    conference: ConferenceConfig | None = None
    sections: ConfigSections = field(default_factory=ConfigSections)
    theme: str = ""

    @property
    def has_errors(self) -> bool:
        """Whether the site cannot work as configured."""
        return any(finding.severity == ERROR for finding in self.findings)


def check_site(path: Path, *, apps: Collection[str] = APPS, production: bool = False) -> SiteCheck:
    """Check an ini file and the configuration that it names, as the apps do at their start.

    It also checks what only commands use: plugins, formats and files of feeds.

    :param apps: the apps that this machine runs.
    :param production: refuse what is for development.
    """
    result = SiteCheck()
    ini = load_ini(path)
    if isinstance(ini, Finding):
        result.findings.append(ini)
        return result
    sections = [f"app:{app}" for app in apps if f"app:{app}" in ini.parser]
    # A key of [DEFAULT] is one of each app.
    broken = [each for name in sections for each in ini.broken_references(name)]
    result.findings += dict.fromkeys(broken)
    if result.findings:
        return result
    result.findings += _check_ini(ini, apps)
    values = _app_values(ini, apps)
    if not values:
        return result
    try:
        checked = check_configuration(next(iter(values.values())))
    except ConfigError as error:
        result.findings.append(Finding(file=path, message=str(error)))
        return result
    result.conference, result.sections = checked.conference, checked.sections
    if FRONTEND in values:
        result.theme = check_frontend_files(ini, values[FRONTEND], checked, production=production)
    if TRACKER in values:
        _check_tracker(ini, values[TRACKER], checked, result, production=production)
    checked.sections.sort_findings()
    result.findings += checked.findings
    return result


def check_frontend_files(
    ini: IniFile, values: Mapping[str, str], checked: CheckedConference, *, production: bool
) -> str:
    """Check feeds, theme, catalogues and brand, and add the findings; return the theme's name.

    :param values: the settings of the frontend.
    """
    _check_feeds(ini, values, checked)
    if production:
        _refuse_sample_feeds(values, checked)
    theme = _check_theme(checked)
    _check_site_files(values, checked)
    return theme


def _check_ini(ini: IniFile, apps: Collection[str]) -> list[Finding]:
    from streaming_system.tracker.ini_keys import ini_keys
    from streaming_system.web.server_settings import OWN_KEYS, check_server_settings

    keys = {FRONTEND: FRONTEND_KEYS, TRACKER: ini_keys()}
    missing = [f"[app:{app}]" for app in apps if f"app:{app}" not in ini.parser]
    findings = []
    if missing:
        message = f"has no section {', and no '.join(missing)}"
        findings.append(Finding(file=ini.path, message=message))
    findings += check_ini_keys(ini, keys, is_complete=True)
    if f"app:{FRONTEND}" in ini.parser and "schedule.file" not in ini.values(f"app:{FRONTEND}"):
        findings.append(ini.finding("DEFAULT", "", "lacks the key 'schedule.file'"))
    for section in ini.parser.sections():
        if not section.startswith("server:"):
            continue
        findings += ini.broken_references(section, has_variables=True)
        values = ini.values(section)
        own = {key: values[key] for (name, key) in ini.places if name == section and key in values}
        if "streaming-system#server" not in own.get("use", ""):
            own = {key: text for key, text in own.items() if key not in OWN_KEYS}
        findings += [
            ini.finding(section, key, problem)
            for key, problem in check_server_settings(own).items()
        ]
    return findings


def _app_values(ini: IniFile, apps: Collection[str]) -> dict[str, dict[str, str]]:
    return {app: ini.values(f"app:{app}") for app in apps if f"app:{app}" in ini.parser}


def _check_feeds(ini: IniFile, values: Mapping[str, str], checked: CheckedConference) -> None:
    """Check the plugins, and the formats and files of feeds."""
    sections = checked.sections
    try:
        parse_allowed_networks(values)
    except NetworkSettingError as error:
        message = str(error).removeprefix(f"{SETTING} in the ini file: ")
        sections.findings.append(ini.finding("DEFAULT", SETTING, message))
    folder = Path(values["plugins.folder"]) if values.get("plugins.folder") else None
    if folder and not folder.is_dir():
        message = f"there is no folder {folder}; create it, or remove the key"
        sections.findings.append(ini.finding("DEFAULT", "plugins.folder", message))
    try:
        parsers = load_parsers(folder)
    except PluginError as error:
        sections.findings.append(ini.finding("DEFAULT", "plugins.folder", str(error)))
        parsers = {}
    name = sections.values[SITE].get("schedule-format")
    if parsers and isinstance(name, str) and name.strip() and name.strip() not in parsers:
        sections.add(
            SITE,
            ("schedule-format",),
            f"there is no format {name!r:.80}; {did_you_mean(name, parsers)}allowed: "
            f"{', '.join(parsers)}, or a plugin of yours (streaming-system schedule new-parser)",
        )
    for room in checked.conference.rooms.values() if checked.conference else ():
        places = (
            (room.schedule, _schedule_key(room.id, sections)),
            (room.recordings_list, (room.id, "recordings-list")),
        )
        for source, (section, key) in places:
            if source and not urlsplit(source).scheme and not Path(source).is_file():
                sections.add(
                    section,
                    (key,),
                    f"there is no file {source}; a web address begins with https://",
                )


def _refuse_sample_feeds(values: Mapping[str, str], checked: CheckedConference) -> None:
    """Report each local feed whose talks are made up."""
    if checked.conference is None:
        return
    try:
        options = feed_options(values, checked.conference.site)
    except SettingsError:
        return  # The check of the ini file reports it.
    for room in checked.conference.rooms.values():
        is_local = urlsplit(room.schedule).scheme not in ("http", "https")
        if room.schedule and is_local and is_sample_feed(room.schedule, options):
            section, key = _schedule_key(room.id, checked.sections)
            checked.sections.add(section, (key,), describe_sample_feed(room.schedule))


def _schedule_key(room_id: str, sections: ConfigSections) -> tuple[str, str]:
    """Return the section and the key that set the feed of a room."""
    if any(sections.has_key(each, "schedule") for each in (room_id, "default")):
        return room_id, "schedule"
    return SITE, "schedule-url"


def _check_theme(checked: CheckedConference) -> str:
    # The template engine slows down the start, so other commands do not import it.
    from streaming_system import theme

    if checked.conference is None or not checked.conference.site.theme:
        return ""
    try:
        loaded = theme.load_theme(checked.conference.site.theme)
    except theme.ThemeError as error:
        checked.sections.add(SITE, ("theme",), str(error))
        return ""
    for note in loaded.warnings:
        checked.sections.findings.append(Finding(message=note, severity=WARNING))
    return loaded.name


def _check_site_files(values: Mapping[str, str], checked: CheckedConference) -> None:
    """Check the catalogues and the brand, with the languages that the configuration names."""
    # The web framework slows down the start, so other commands do not import it.
    from streaming_system.frontend.brand import BrandError, validate_brand_folder
    from streaming_system.frontend.i18n import LanguageError, load_languages

    if checked.conference is None:
        return
    folder = values.get("languages.folder")
    # A conference may have catalogues of its own.
    if EVENT_KEY in values and not Path(folder or "").is_dir():
        folder = None
    try:
        languages = checked.conference.site.languages
        load_languages(Path(folder) if folder else None, languages)
    except LanguageError as error:
        checked.findings.append(Finding(message=str(error)))
    try:
        validate_brand_folder(values.get("brand.folder"))
    except BrandError as error:
        checked.findings.append(Finding(message=str(error)))


def _check_tracker(
    ini: IniFile,
    values: Mapping[str, str],
    checked: CheckedConference,
    result: SiteCheck,
    *,
    production: bool,
) -> None:
    from streaming_system.tracker import settings as tracker
    from streaming_system.tracker.crew.passwords import is_guessable
    from streaming_system.tracker.db.session import make_engine

    try:
        make_engine(values).dispose()
    except tracker.StartupError as error:
        message = str(error).removeprefix("sqlalchemy.url in the ini file: ")
        result.findings.append(ini.finding("app:tracker", "sqlalchemy.url", message))
    if production and values.get("sqlalchemy.url", "").startswith("sqlite"):
        message = tracker.SQLITE_IN_PRODUCTION
        result.findings.append(ini.finding("app:tracker", "sqlalchemy.url", message))
    region_file = values.get("region.file", "")
    if region_file and not Path(region_file).is_file():
        message = f"there is no file {region_file}"
        result.findings.append(ini.finding("app:tracker", "region.file", message))
    if checked.conference is None:
        return
    is_trial = not production and values.get("secret.allow_example", "").lower() in (
        "true", "yes", "on", "1",
    )  # fmt: skip
    if problem := tracker.secret_problem(checked.conference, allow_example=is_trial):
        checked.sections.add(*tracker.SECRET_KEY, problem)
    elif tracker.has_example_secret(checked.conference):
        return
    elif is_guessable(checked.conference.site.secret, checked.conference.rooms):
        severity = WARNING if is_trial else ERROR
        checked.sections.add(*tracker.SECRET_KEY, tracker.GUESSABLE_SECRET, severity=severity)
    elif problem := tracker.secret_warning(checked.conference):
        checked.sections.add(*tracker.SECRET_KEY, problem, severity=WARNING)
