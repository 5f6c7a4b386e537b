"""A copy of the advisories about the locked packages, which `make audit` keeps up to date."""

import json
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from streaming_system.util.atomic_write import atomic_write

COPY = Path(__file__).parent.parent / "var/advisories.json"
ECOSYSTEM = "PyPI"


class AdvisoryCopy:
    """Advisories in OSV's format (https://ossf.github.io/osv-schema/), by id.

    :ivar updated_at: when OSV was last available; ``None`` if there is no copy.
    """

    def __init__(self, path=COPY):
        self._path = path
        self.updated_at, self.advisories = None, {}
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            self.updated_at = datetime.fromisoformat(document["updated_at"])
            self.advisories = {entry["id"]: entry for entry in document["advisories"]}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SystemExit(f"{path}: is no copy of advisories ({error}); delete it") from None

    def is_current(self, osv_id, modified):
        """Return whether the copy has this version of an advisory."""
        return modified is not None and self.advisories.get(osv_id, {}).get("modified") == modified

    def save(self):
        """Replace the file."""
        self.updated_at = datetime.now(UTC)
        entries = [self.advisories[osv_id] for osv_id in sorted(self.advisories)]
        document = {"updated_at": self.updated_at.isoformat(), "advisories": entries}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self._path, mode=0o644) as file:
            file.write(json.dumps(document, indent=1).encode())

    def find(self, pins):
        """Yield each pin that an advisory affects, and the advisory."""
        for pin in pins:
            for entry in self.advisories.values():
                if "withdrawn" not in entry and any(
                    _affects(affected, pin) for affected in entry.get("affected", ())
                ):
                    yield pin, entry


def _affects(affected, pin):
    package = affected.get("package", {})
    name = canonicalize_name(package.get("name", ""))
    if package.get("ecosystem") != ECOSYSTEM or name != canonicalize_name(pin.name):
        return False
    return pin.version in affected.get("versions", ()) or any(
        _is_in_range(Version(pin.version), entry.get("events", ()))
        for entry in affected.get("ranges", ())
        if entry.get("type") == "ECOSYSTEM"
    )


def _is_in_range(version, events):
    """Return whether a version is after an "introduced" and before the end of that range."""
    is_affected = False
    for event in sorted(events, key=_event_version):
        [(kind, text)] = event.items()
        bound = _parse_version(text)
        if kind == "introduced" and version >= bound:
            is_affected = True
        elif (kind == "fixed" and version >= bound) or (
            kind == "last_affected" and version > bound
        ):
            is_affected = False
    return is_affected


def _event_version(event):
    [text] = event.values()
    return _parse_version(text)


def _parse_version(text):
    try:
        return Version(text)
    except InvalidVersion:
        # Old packages have versions that PEP 440 does not order; nothing locked is that old.
        return Version("0")
