"""An ini file with the place of each key, and the checks of its keys."""

import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streaming_system.config.findings import Finding
from streaming_system.config.ini_keys import COMMON_KEYS
from streaming_system.config.model import ConfigError
from streaming_system.util.ini_key import IniKey
from streaming_system.util.json_syntax import Position
from streaming_system.util.renamed_settings import RENAMED_SETTINGS
from streaming_system.util.suggestions import did_you_mean, similar_name
from streaming_system.util.validation import InvalidValueError, describe_invalid

DEFAULT = "DEFAULT"

_SECTION = re.compile(r"\[([^\]]+)\]")
_KEY = re.compile(r"([^\s#;:=\[][^:=]*?)\s*[:=]")
_REFERENCE = re.compile(r"%\(([^()]+)\)s")
# Keys of libraries and of plugins.
_FREE_PREFIXES = ("pyramid.", "jinja2.", "sqlalchemy.", "plugin.", "debugtoolbar.", "set ", "get ")
_PASTE_KEYS = frozenset({"use", "filter-with", "factory", "here", "__file__", "__script__"})
_SECTION_NAMES = frozenset({"DEFAULT", "alembic", "loggers", "handlers", "formatters", "pserve"})
_LOGGING_PREFIXES = ("logger_", "handler_", "formatter_")
_SECTION_KINDS = ("app", "server", "composite", "pipeline", "filter", "filter-app")
_MIN_SIMILARITY = 0.8


@dataclass(frozen=True, kw_only=True)
class IniFile:
    """A parsed ini file.

    :param places: the line of each key, by section and key; of a section by "".
    :param references: the names that values refer to.
    """

    path: Path
    parser: configparser.ConfigParser
    places: Mapping[tuple[str, str], Position]
    references: frozenset[str] = field(default_factory=frozenset)

    def finding(self, section: str, key: str, message: str) -> Finding:
        """Return a problem of a key, or of a section if the key is ""."""
        place = self.places.get((section, key))
        if place is None and (DEFAULT, key) in self.places:
            section, place = DEFAULT, self.places[DEFAULT, key]
        return Finding(
            file=self.path,
            position=place or self.places.get((section, "")),
            subject=f"[{section}]" + (f": key {key!r:.80}" if key else ""),
            message=message,
        )

    def broken_references(self, section: str, *, has_variables: bool = False) -> list[Finding]:
        """Return the values of a section that refer to keys which do not exist.

        :param has_variables: whether the command line can set such a key.
        """
        values = self.values(section)
        findings = []
        for key in self.parser.options(section):
            if key not in values:
                names = _REFERENCE.findall(self.parser.get(section, key, raw=True))
                missing = [name for name in names if name not in values]
                if missing and (has_variables or self.parser.has_option(section, missing[0])):
                    # The command line sets it, or it is broken itself and has its own finding.
                    continue
                message = "has a % that begins no reference such as %(here)s; write %%"
                if missing:
                    message = f"refers to %({missing[0]})s, which is no key; set it"
                findings.append(self.finding(section, key, message))
        return findings

    def values(self, section: str) -> dict[str, str]:
        """Return the values of a section that can be interpolated, those of DEFAULT included."""
        values = {}
        for key in self.parser.options(section):
            try:
                values[key] = self.parser.get(section, key)
            except configparser.InterpolationError:
                continue
        return values


def load_ini(path: Path) -> IniFile | Finding:
    """Return an ini file, or why it cannot be parsed."""
    parser = configparser.ConfigParser(
        defaults={"here": str(path.absolute().parent), "__file__": str(path.absolute())}
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        text = path.read_text(encoding="utf-8")
        parser.read_string(text, str(path))
    except FileNotFoundError:
        return Finding(file=path, message="there is no such file; name the ini file with -c")
    except OSError as error:
        return Finding(file=path, message=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Finding(
            file=path, message=f"is not UTF-8 (byte {error.start}); save it in this encoding"
        )
    except configparser.Error as error:
        return _syntax_finding(path, text, error)
    return IniFile(
        path=path,
        parser=parser,
        places=dict(_find_places(text)),
        references=frozenset(_REFERENCE.findall(text)),
    )


def _syntax_finding(path: Path, text: str, error: configparser.Error) -> Finding:
    line = getattr(error, "lineno", None)
    match error:
        case configparser.DuplicateOptionError():
            message = f"[{error.section}]: key {error.option!r:.80} is there twice; remove one"
        case configparser.DuplicateSectionError():
            message = f"[{error.section}] is there twice; put its keys together"
        case configparser.MissingSectionHeaderError():
            message = "a line stands before the first section; begin with [DEFAULT]"
            if text.startswith("\ufeff"):
                message = "begins with a byte order mark; save it as UTF-8 without one"
        case configparser.ParsingError():
            line = error.errors[0][0]
            message = f"{text.splitlines()[line - 1].strip()!r:.80} is no line KEY = VALUE"
        case _:
            message = str(error).splitlines()[0]
    position = Position(line, 1) if line else None
    return Finding(file=path, position=position, message=message)


def _find_places(text: str) -> Iterable[tuple[tuple[str, str], Position]]:
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _SECTION.match(line):
            section = match[1]
            yield (section, ""), Position(number, 1)
        elif match := _KEY.match(line):
            yield (section, match[1]), Position(number, 1)


def check_ini_keys(
    ini: IniFile, apps: Mapping[str, Mapping[str, IniKey]], *, is_complete: bool
) -> list[Finding]:
    """Return the unknown sections and keys, and the invalid values.

    :param apps: the keys of each app to check.
    :param is_complete: whether these are all apps; otherwise, a key of [DEFAULT] may be one of
        another app.
    """
    findings = [*_check_sections(ini)]
    keys = {*COMMON_KEYS, *(name for app_keys in apps.values() for name in app_keys)}
    own = [key for (section, key) in ini.places if section == DEFAULT and key]
    for key in own:
        near = similar_name(key, keys, _MIN_SIMILARITY)
        if not _is_known(ini, key, keys) and (is_complete or near):
            findings.append(_unknown_key(ini, DEFAULT, key, keys))
    for app, app_keys in apps.items():
        section = f"app:{app}"
        if section not in ini.parser:
            continue
        known = {**COMMON_KEYS, **app_keys}
        findings += [
            _unknown_key(ini, section, key, known)
            for (name, key) in ini.places
            if name == section and key and not _is_known(ini, key, known)
        ]
        findings += _check_values(ini, section, known)
    return list(dict.fromkeys(findings))


def _is_known(ini: IniFile, key: str, known: Iterable[str]) -> bool:
    is_free = key.startswith(_FREE_PREFIXES) or key in _PASTE_KEYS | ini.references
    return is_free or key in known or key in RENAMED_SETTINGS


def _check_sections(ini: IniFile) -> Iterable[Finding]:
    for section in ini.parser.sections():
        kind, colon, _ = section.partition(":")
        if kind.startswith(_LOGGING_PREFIXES):
            continue
        near = similar_name(kind, _SECTION_KINDS if colon else _SECTION_NAMES, _MIN_SIMILARITY)
        if near and near != kind:
            yield ini.finding(section, "", f"unknown section; did you mean {near!r}?")


def _unknown_key(ini: IniFile, section: str, key: str, known: Iterable[str]) -> Finding:
    hint = did_you_mean(key, known)
    return ini.finding(
        section, key, f"unknown key; {hint}docs/reference/ini-keys.md lists the keys"
    )


def _check_values(ini: IniFile, section: str, keys: Mapping[str, IniKey]) -> Iterable[Finding]:
    values = ini.values(section)
    for key in values:
        if new := RENAMED_SETTINGS.get(key):
            yield ini.finding(section, key, f"has a new name: use {new}")
    for key, each in keys.items():
        text = values.get(key, "").strip()
        if not text:
            continue
        try:
            each.field.parse(text)
        except InvalidValueError as error:
            yield ini.finding(section, key, describe_invalid(text, error.allowed))


def require_valid_ini(settings: Mapping[str, Any], app: str, keys: Mapping[str, IniKey]) -> None:
    """Check the ini file of a process that starts an app.

    :param settings: ``__file__`` is the path of the ini file; without it, there is nothing to do.
    :raises ConfigError: with one line for each error.
    """
    path = settings.get("__file__")
    if not path:
        return
    ini = load_ini(Path(path))
    findings = (
        [ini]
        if isinstance(ini, Finding)
        else check_ini_keys(ini, {app: {**keys}}, is_complete=False)
    )
    if findings:
        raise ConfigError(*map(str, findings))
