"""Files and folders of the programs: their owner writes, their group reads, others do neither.

The modes do not depend on the umask, which differs between a service and a shell. A stricter umask
applies, too.
"""

import contextlib
from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750
# The permissions of other users.
OTHERS = 0o007


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents. Existing ones stay as they are.

    :raises OSError: if it cannot be created.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Create an empty file; from an existing one, remove the permissions of other users.

    :raises OSError: if it cannot be created.
    """
    file.touch(mode=FILE_MODE)
    remove_permissions_of_others(file)


def remove_permissions_of_others(file: Path) -> None:
    """Remove the permissions of other users from a file; do nothing if there is none."""
    # The owner may be another user, and a file of SQLite may vanish.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = file.stat().st_mode
        if mode & OTHERS:
            file.chmod(mode & 0o7777 & ~OTHERS)
