"""Icecast and nginx, if they are installed."""

import contextlib
import os
import signal
import subprocess
import time

import urllib3
from ports import free_port
from programs import find
from timeouts import extended

from streaming_system.util.user_agents import USER_AGENT

__all__ = ["free_port"]


class Program:
    """A process of a test, with its output."""

    def __init__(self, *command, folder, name, environ=None):
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=os.environ | (environ or {}),
                start_new_session=True,
            )

    @property
    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, url, status=(200,), seconds=20):
        """Wait until a URL responds; the user agent excludes the requests from viewer counts."""
        deadline = time.monotonic() + extended(seconds)
        headers = {"User-Agent": USER_AGENT}
        with urllib3.PoolManager(retries=False, timeout=2, headers=headers) as pool:
            while True:
                assert self.process.poll() is None, f"has ended:\n{self.output}"
                try:
                    if pool.request("GET", url).status in status:
                        return
                except urllib3.exceptions.HTTPError:
                    pass
                assert time.monotonic() < deadline, f"{url} does not respond:\n{self.output}"
                time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """Kill it and its children: nginx's workers survive their master."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


ICECAST = """<icecast>
  <limits><clients>100</clients><sources>10</sources><burst-size>65536</burst-size></limits>
  <authentication><source-password>source</source-password><relay-password>relay</relay-password>
    <admin-user>admin</admin-user><admin-password>secret</admin-password></authentication>
  <hostname>127.0.0.1</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <fileserve>1</fileserve>{mounts}
  <paths><basedir>/usr/share/icecast2</basedir><logdir>{folder}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>"""

# Icecast does not run as root.
OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"


class Icecast:
    """Icecast on a free port.

    :param mounts: further elements of its configuration.
    """

    def __init__(self, folder, mounts=""):
        self.port = free_port()
        self.folder = folder
        folder.mkdir()
        root = os.getuid() == 0
        config = folder / "icecast.xml"
        config.write_text(
            ICECAST.format(
                port=self.port, folder=folder, mounts=mounts, owner=OWNER if root else ""
            )
        )
        if root:
            # Icecast writes its logs as an unprivileged user.
            folder.chmod(0o777)
            for parent in folder.parents:
                if not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._command = (find("icecast2"), "-c", str(config))
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.program = Program(*self._command, folder=self.folder, name="icecast")
        self.program.wait_for(f"{self.url}/status-json.xsl")

    def encode(self, mount):
        """Return ffmpeg that sends a small picture and a tone as WebM."""
        target = f"icecast://source:source@127.0.0.1:{self.port}{mount}"
        return Program(
            *("ffmpeg", "-nostdin", "-loglevel", "error", "-re"),
            *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10"),
            *("-f", "lavfi", "-i", "sine=frequency=440"),
            *("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "150k"),
            *("-g", "10", "-c:a", "libopus", "-b:a", "32k"),
            *("-f", "webm", "-cluster_size_limit", "8M", "-cluster_time_limit", "10000"),
            *("-content_type", "video/webm", target),
            folder=self.folder,
            name=f"ffmpeg{mount.replace('/', '-')}",
        )


NGINX = """
load_module {module};
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
rtmp {{
    server {{
        listen 127.0.0.1:{rtmp};
        application live {{
            live on;
            {application}
            hls on;
            hls_path {folder}/hls;
            hls_fragment 1s;
            hls_playlist_length 6s;
            allow publish 127.0.0.1;
            deny publish all;
        }}
    }}
}}
http {{
    {http}
    access_log {folder}/access.log combined;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; text/xml xml; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /stat {{ rtmp_stat all; allow 127.0.0.1; deny all; access_log off; }}
        location /hls/ {{
            root {folder};
            add_header Cache-Control no-store;
            add_header Access-Control-Allow-Origin *;
        }}
    }}
}}
"""


class NginxRtmp:
    """nginx with its RTMP module, on free ports.

    :param application: further directives for the RTMP application.
    :param http: further directives for the http block.
    """

    def __init__(self, folder, application="", http=""):
        self.port, self.rtmp = free_port(), free_port()
        self.folder = folder
        folder.mkdir()
        (folder / "hls").mkdir()
        config = folder / "nginx.conf"
        text = NGINX.format(
            module=find("ngx_rtmp_module"),
            folder=folder,
            port=self.port,
            rtmp=self.rtmp,
            application=application,
            http=http,
        )
        if os.getuid() == 0:
            text = f"user root;\n{text}"
        config.write_text(text)
        self.access_log = folder / "access.log"
        self._command = (find("nginx"), "-c", str(config))
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.program = Program(*self._command, folder=self.folder, name="nginx")
        self.program.wait_for(f"{self.url}/stat")

    def encode(self, name):
        """Return ffmpeg that sends a small picture and a tone by RTMP."""
        return Program(
            *("ffmpeg", "-nostdin", "-loglevel", "error", "-re"),
            *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10"),
            *("-f", "lavfi", "-i", "sine=frequency=440"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10"),
            *("-pix_fmt", "yuv420p", "-b:v", "150k", "-c:a", "aac", "-b:a", "32k"),
            *("-f", "flv", f"rtmp://127.0.0.1:{self.rtmp}/live/{name}"),
            folder=self.folder,
            name=f"ffmpeg-{name}",
        )
