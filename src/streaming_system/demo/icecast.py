"""The demo's Icecast, with its own port and password."""

import grp
import os
import pwd
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """<icecast>
  <limits><clients>100</clients><sources>50</sources><burst-size>65536</burst-size></limits>
  <authentication>
    <source-password>{password}</source-password><relay-password>{password}</relay-password>
    <admin-user>admin</admin-user><admin-password>{password}</admin-password>
  </authentication>
  <hostname>127.0.0.1</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><basedir>{base}</basedir><logdir>/tmp</logdir>
    <webroot>{base}/web</webroot><adminroot>{base}/admin</adminroot></paths>
  <logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>2</loglevel></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>
"""
# The name of Debian, and that of other distributions.
PROGRAMS = ("icecast2", "icecast")
SHARED_FOLDERS = (Path("/usr/share/icecast2"), Path("/usr/share/icecast"))
# Icecast refuses to run as root.
UNPRIVILEGED_USERS = (("nobody", "nogroup"), ("nobody", "nobody"))


@dataclass(frozen=True, kw_only=True)
class Icecast:
    """The command, the port and the password of the demo's Icecast."""

    command: tuple[str, ...]
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def source_url(self, mount: str) -> str:
        """Return the URL to which ffmpeg sends a stream."""
        return f"icecast://source:{self.password}@127.0.0.1:{self.port}{mount}"


def prepare_icecast(folder: Path) -> Icecast | None:
    """Write the configuration; return the Icecast, ``None`` if it is not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/bin"
    program = next(filter(None, (shutil.which(name, path=path) for name in PROGRAMS)), None)
    base = next((shared for shared in SHARED_FOLDERS if (shared / "web").is_dir()), None)
    owner = _changeowner_xml() if os.getuid() == 0 else ""
    if program is None or base is None or owner is None:
        return None
    password, port = secrets.token_urlsafe(16), _find_free_port()
    file = folder / "icecast.xml"
    file.touch(mode=0o600)
    file.write_text(CONFIG.format(password=password, port=port, base=base, owner=owner))
    return Icecast(command=(program, "-c", str(file)), port=port, password=password)


def _changeowner_xml() -> str | None:
    for user, group in UNPRIVILEGED_USERS:
        try:
            pwd.getpwnam(user), grp.getgrnam(group)
        except KeyError:
            continue
        return f"<changeowner><user>{user}</user><group>{group}</group></changeowner>"
    return None


def _find_free_port() -> int:
    # Icecast cannot choose a free port by itself.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
