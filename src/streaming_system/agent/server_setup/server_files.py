"""Writes the files of a streaming server."""

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from streaming_system.agent.server_setup.errors import ServerSetupError
from streaming_system.util.atomic_write import atomic_write

FILE_MODE = 0o600
# Folders that programs write to, and their permissions.
_STATE_FOLDERS = {"var": 0o755, "var/hls": 0o755, "var/log": 0o750}
# Their users and groups on Debian, if root creates them.
_OWNERS = {"var/hls": ("www-data", "www-data"), "var/log": ("root", "adm")}


def write_server_files(
    folder: Path, files: Mapping[str, str], *, overwrite: bool, has_state: bool
) -> None:
    """Write all files, readable for their owner only.

    :param files: the text of each file, by its path below the folder.
    :param overwrite: whether existing files are replaced.
    :param has_state: whether the server writes below the folder.
    :raises ServerSetupError: if a file exists, or cannot be written.
    """
    try:
        existing = [name for name in files if (folder / name).exists()]
        if existing and not overwrite:
            raise ServerSetupError(
                f"{folder / existing[0]} exists; --force overwrites the files, and passwords stay "
                "the same"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if has_state:
            _require_access(folder)
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(mode=0o755, exist_ok=True)
            with atomic_write(file, mode=FILE_MODE) as stream:
                stream.write(text.encode())
        if has_state:
            _create_state_folders(folder)
    except OSError as error:
        raise ServerSetupError(
            f"{error.filename or folder}: cannot be written: {error.strerror}"
        ) from None


def _create_state_folders(folder: Path) -> None:
    for name, mode in _STATE_FOLDERS.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(mode)
    for name, (user, group) in _OWNERS.items():
        # Other users cannot change the owner, and other systems lack these users.
        with contextlib.suppress(LookupError, PermissionError):
            shutil.chown(folder / name, user, group)


def _require_access(folder: Path) -> None:
    """Require that the user of a server that root starts can enter the folder."""
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & stat.S_IXOTH]
    if os.getuid() == 0 and closed:
        raise ServerSetupError(
            f"--to: the user of the server cannot enter {closed[-1]}; choose another folder, or "
            "start as an ordinary user"
        )
