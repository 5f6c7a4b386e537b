"""The sections of the configuration files, merged key by key, with the place of each key."""

from functools import cached_property
from pathlib import Path
from typing import Any

from streaming_system.config.findings import ERROR, WARNING, Finding
from streaming_system.config.overrides import Overrides
from streaming_system.util.json_document import parse_json5
from streaming_system.util.json_syntax import JsonSyntaxError, Position, member_positions

SITE, DEFAULT = "config", "default"
SCHEMA_KEY = "$schema"


class ConfigFile:
    """A configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = ""

    @cached_property
    def _positions(self) -> dict[tuple[str | int, ...], Position]:
        return member_positions(self._text) if self._text else {}

    def load(self) -> dict[str, Any] | Finding:
        """Return the document, or why it cannot be used."""
        try:
            self._text = self.path.read_text(encoding="utf-8")
            document = parse_json5(self._text)
        except OSError as error:
            return Finding(file=self.path, message=f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            message = f"is not UTF-8 (byte {error.start}): save it in that encoding"
            return Finding(file=self.path, message=message)
        except JsonSyntaxError as error:
            return Finding(file=self.path, position=error.position, message=error.problem)
        if not isinstance(document, dict):
            return Finding(file=self.path, message="must hold one object: {…}")
        return document

    def position(self, path: tuple[str | int, ...]) -> Position | None:
        """Return where a member is, or else the innermost one around it."""
        while path and path not in self._positions:
            path = path[:-1]
        return self._positions.get(path)


class ConfigSections:
    """Sections of several files; a later file overrides the keys of an earlier one.

    :ivar values: by section, then by key.
    :ivar findings: the problems so far.
    :ivar is_complete: whether all files and sections could be loaded.
    """

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {SITE: {}, DEFAULT: {}}
        self.findings: list[Finding] = []
        self.is_complete = True
        self._order: tuple[str, ...] = ()
        self._key_files: dict[tuple[str, str], ConfigFile] = {}
        self._section_files: dict[str, ConfigFile] = {}

    @property
    def room_ids(self) -> list[str]:
        """The names of the sections that are rooms: in the order of the crew, then of the files."""
        ids = [name for name in self.values if name not in (SITE, DEFAULT)]
        order = [name for name in self._order if name in ids]
        return [*order, *(name for name in ids if name not in order)]

    def add_file(self, path: Path) -> None:
        """Override the keys so far with those of a file."""
        file = ConfigFile(path)
        document = file.load()
        if isinstance(document, Finding):
            self.findings.append(document)
            self.is_complete = False
            return
        for name, values in document.items():
            if name == SCHEMA_KEY:
                continue
            self._section_files[name] = file
            if not isinstance(values, dict):
                self.is_complete = False
                self.add(name, (), "must be an object: {…}; keys belong in one, such as 'default'")
                continue
            self.values.setdefault(name, {}).update(values)
            self._key_files.update({(name, key): file for key in values})

    def add_overrides(self, path: Path, overrides: Overrides) -> None:
        """Override the keys so far with the changes of the crew."""
        self._order = overrides.order
        file = ConfigFile(path)
        for room_id, values in overrides.rooms.items():
            if room_id in self._section_files:
                self.values[room_id].update(values)
                self._key_files.update({(room_id, key): file for key in values})
            else:
                message = f"there is no room {room_id!r:.80} any more"
                self.findings.append(Finding(file=path, message=message, severity=WARNING))

    def add(
        self,
        section: str,
        path: tuple[str | int, ...],
        message: str,
        *,
        severity: str = ERROR,
        subject: str = "",
    ) -> None:
        """Record a problem of a key, or of a value in it.

        :param path: the key, and the keys and indexes below it; () for the whole section.
        :param subject: how to call the section; by default its name and the key.
        """
        owner, file = self._origin(section, path)
        key = f": key {path[0]!r:.80}" if path else ""
        finding = Finding(
            file=file.path if file else None,
            position=file.position((owner, *path)) if file else None,
            subject=subject or section_label(owner) + key,
            message=message,
            severity=severity,
        )
        # A key of "default" has the same problem in every room.
        is_repeated = owner != section and finding.place in {each.place for each in self.findings}
        if not is_repeated and finding not in self.findings:
            self.findings.append(finding)

    def place(self, section: str, key: str) -> str:
        """Return the file, line and column of a key."""
        owner, file = self._origin(section, (key,))
        position = file.position((owner, key)) if file else None
        return Finding(file=file.path if file else None, position=position, message="").place

    def _origin(self, section: str, path: tuple[str | int, ...]) -> tuple[str, ConfigFile | None]:
        """Return the section and file that set a key; without a path, those of a section."""
        if not path:
            return section, self._section_files.get(section)
        for owner in (section, DEFAULT):
            if file := self._key_files.get((owner, str(path[0]))):
                return owner, file
        return section, self._section_files.get(section)

    def sort_findings(self) -> None:
        """Order the findings by file, line and column."""
        files = [None, *dict.fromkeys(each.file for each in self.findings)]
        self.findings.sort(
            key=lambda each: (
                files.index(each.file),
                (each.position.line, each.position.column) if each.position else (0, 0),
            )
        )

    def has_key(self, section: str, key: str) -> bool:
        """Return whether a file sets a key in a section itself."""
        return (section, key) in self._key_files

    def folder_of(self, section: str, key: str) -> Path:
        """Return the absolute folder of the file that sets a key."""
        file = self._key_files.get((section, key)) or self._key_files.get((DEFAULT, key))
        return (file.path.parent if file else Path()).resolve()


def section_label(section: str) -> str:
    """Return how messages call a section."""
    is_room = section not in (SITE, DEFAULT)
    return f"room {section!r:.80}" if is_room else f"section {section!r}"
