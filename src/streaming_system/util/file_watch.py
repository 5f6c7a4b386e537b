"""The state of the files that a value was loaded from, to notice when they change."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

# The identity, size and times of a file; ``None`` for a missing one.
FileStat = tuple[int, ...] | None


class FileWatch:
    """The files that a value was loaded from, also those that did not exist.

    Add files before they are loaded: a change during the load is then noticed afterwards.
    """

    def __init__(self) -> None:
        self._files: set[Path] = set()
        self._patterns: set[tuple[Path, str]] = set()
        self._stats: dict[Path, FileStat] = {}
        self._digests: dict[Path, str] = {}

    def add(self, *files: Path) -> None:
        """Watch single files."""
        self._files.update(files)
        for file in files:
            self._record(file, stat_file(file))

    def add_pattern(self, folder: Path, pattern: str) -> None:
        """Watch all files of a folder that match a glob pattern, also future ones."""
        self._patterns.add((folder, pattern))
        for file in _matching_files(folder, pattern):
            self._record(file, stat_file(file))

    def add_all(self, other: "FileWatch") -> None:
        """Watch the files of another watch, too."""
        self._files |= other._files
        self._patterns |= other._patterns
        self._stats = other._stats | self._stats
        self._digests = other._digests | self._digests

    @property
    def version(self) -> str:
        """A hash of the names and contents of all files, in twelve characters."""
        digest = hashlib.sha256()
        # Without folders: containers may have the same files at different paths.
        for path, content in sorted(self._digests.items()):
            digest.update(f"{path.name}\0{content}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:12]

    @property
    def stats(self) -> Mapping[Path, FileStat]:
        """The files as they were when they were recorded."""
        return self._stats

    def scan(self) -> dict[Path, FileStat]:
        """Return the files as they are now."""
        files = set(self._files)
        for folder, pattern in self._patterns:
            files.update(_matching_files(folder, pattern))
        return {file: stat_file(file) for file in files}

    def has_same_content(self, stats: Mapping[Path, FileStat]) -> bool:
        """Return whether files have the recorded contents; if they have, record their state."""
        present = {file for file, stat in stats.items() if stat is not None}
        if present != {file for file, stat in self._stats.items() if stat is not None}:
            return False
        changed = [file for file in present if stats[file] != self._stats[file]]
        if any(_digest(file) != self._digests.get(file) for file in changed):
            return False
        self._stats = dict(stats)
        return True

    def _record(self, file: Path, stat: FileStat) -> None:
        self._stats[file] = stat
        if stat is not None:
            self._digests[file] = _digest(file)


def stat_file(path: Path) -> FileStat:
    """Return the state of a file; ``None`` if it is missing or unreachable."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    # st_ctime_ns also changes when the file becomes readable, and no program can set it.
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def changed_at(stat: FileStat) -> float:
    """Return the time of the last change of a file, in seconds since 1970; 0 for a missing one."""
    return stat[3] / 1e9 if stat else 0.0


def _matching_files(folder: Path, pattern: str) -> Iterator[Path]:
    # Hidden files are drafts of editors and of atomic_write.
    return (
        file for file in folder.glob(pattern) if not file.name.startswith(".") and file.is_file()
    )


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.errno}"
