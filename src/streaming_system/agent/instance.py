"""The id of this agent among all agents with the same name.

A file in the state folder holds it, so that an agent that was killed takes its endpoints over at
once when it starts again. An agent that cannot use the file has a new id at each start; a tracker
then accepts it when the old one's lease has ended.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import platform
import re
import secrets
from pathlib import Path

from streaming_system.agent.config import DEFAULT_STATE_DIR
from streaming_system.util.private_files import FILE_MODE, make_private_folder

log = logging.getLogger(__name__)

MACHINE_ID_FILE = Path("/etc/machine-id")
_CONTENT = re.compile(r"([0-9a-f]{32}) ([0-9a-f]{16})\n?")
MAX_FILE_BYTES = 100


class AgentInstance:
    """The id of this agent. It holds the file locked until :meth:`close`.

    :param folder: for the file. The default folder is not created: a service manager does that.
    :param name: of the agent.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.id = secrets.token_hex(16)
        self._descriptor: int | None = None
        file = folder / f"instance-{name}"
        try:
            if folder != DEFAULT_STATE_DIR:
                make_private_folder(folder)
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            # The lock ends with the process, however it ends.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load_or_store()
        except BlockingIOError:
            self.close()
            log.warning("%s: another agent with the name %s runs on this machine", file, name)
        except OSError as error:
            self.close()
            log.info(
                "%s: %s; after a crash, trackers accept this agent only after a minute",
                file,
                error.strerror,
            )

    def close(self) -> None:
        """Release the file for the next agent."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _load_or_store(self) -> None:
        """Load the id in the file; store a new one if it is missing or another machine's."""
        if self._descriptor is None:
            return
        content = os.pread(self._descriptor, MAX_FILE_BYTES, 0).decode("ascii", "replace")
        match = _CONTENT.fullmatch(content)
        # A copy of a machine's disk is another agent.
        machine = _machine_digest()
        if match and match[2] == machine:
            self.id = match[1]
            return
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{self.id} {machine}\n".encode(), 0)
        os.fsync(self._descriptor)


def _machine_digest() -> str:
    """Return a digest that differs between machines."""
    try:
        machine_id = MACHINE_ID_FILE.read_bytes()
    except OSError:
        machine_id = b""
    return hashlib.sha256(machine_id + platform.node().encode()).hexdigest()[:16]
