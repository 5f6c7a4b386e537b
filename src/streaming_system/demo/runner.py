"""Starts all parts of the demo in order, prints their URLs, and stops them."""

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from streaming_system.agent import ffmpeg
from streaming_system.agent.agent_service import AgentService, CredentialsRejectedError
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.service import ThumbnailService
from streaming_system.agent.register import RegistrationService
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.agent.tracker_http import BoundedHttpClient, TrackerUnavailableError
from streaming_system.demo import browsers, icecast, test_patterns
from streaming_system.demo.agent_config import create_hls_agent, create_webm_agent
from streaming_system.demo.hls_server import HlsServer
from streaming_system.demo.icecast import Icecast
from streaming_system.demo.processes import DemoStoppedError, ManagedProcess, ProcessGroup

SITE_TIMEOUT = 60.0
LIVE_TIMEOUT = 60.0
ENCODER_TIMEOUT = 30.0
ICECAST_TIMEOUT = 10.0
SHUTDOWN_TIMEOUT = 2.5


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """The settings of a demo.

    :param ini: the configuration of the site.
    :param rooms: titles by room id.
    :param site: URL of the site.
    :param tracker: URL of the tracker.
    :param preview_folder: the folder of the site for thumbnails; ``None``: no thumbnails.
    :param token: is valid for all rooms.
    :param viewers: the number of browsers.
    """

    ini: Path
    rooms: Mapping[str, str]
    site: str
    tracker: str
    preview_folder: Path | None
    token: str = field(repr=False)
    viewers: int


class DemoRunner:
    """Runs the demo until :attr:`stop` is set.

    :param print_line: shows a line to the user.
    """

    def __init__(self, config: DemoConfig, print_line: Callable[[str], None]) -> None:
        self._config, self._print_line = config, print_line
        self._tracker = BoundedHttpClient(config.tracker)
        self.stop = threading.Event()
        self._services: list[AgentService] = []
        self._threads: list[threading.Thread] = []
        self._hls_server: HlsServer | None = None

    def run(self) -> None:
        """Run until :attr:`stop` is set.

        :raises ProgramError: if an essential part cannot be started.
        """
        ffmpeg_path = ffmpeg.find_ffmpeg()
        if ffmpeg_path is None:
            raise ProgramError("the demo needs ffmpeg, which is not installed")
        with tempfile.TemporaryDirectory(prefix="streaming-demo-") as folder:
            processes = ProcessGroup(Path(folder), self.stop, self._print_line)
            try:
                self._start(Path(folder), ffmpeg_path, processes)
                while not self.stop.wait(0.5):
                    processes.supervise()
            except DemoStoppedError:
                pass
            finally:
                self._shut_down(processes)

    def _start(self, folder: Path, ffmpeg_path: str, processes: ProcessGroup) -> None:
        self._start_site(processes)
        icecast_server = self._start_icecast(folder, processes)
        hls_server = self._start_hls_server(folder)
        self._start_encoders(folder, ffmpeg_path, processes, icecast_server)
        self._start_agents(folder, hls_server, icecast_server)
        if not processes.wait_until(lambda: not self._offline_rooms(), LIVE_TIMEOUT):
            self._print_line(f"Not live after a minute: {', '.join(self._offline_rooms())}")
        self._start_viewers(folder, processes)
        self._print_urls()

    def _start_site(self, processes: ProcessGroup) -> None:
        """Start the site, unless it runs already."""
        site = self._config.site
        if self._is_tracker_available():
            self._print_line(f"The site runs already: {site}/")
            return
        pserve = str(Path(sys.executable).with_name("pserve"))
        ini = self._config.ini.absolute()
        process = processes.start("site", (pserve, str(ini)), folder=ini.parent, restarts=False)
        if not processes.wait_until(self._is_tracker_available, SITE_TIMEOUT, process):
            raise ProgramError(f"the site does not respond at {site}/ ({process.log_tail})")
        self._print_line(f"The site runs: {site}/")

    def _is_tracker_available(self) -> bool:
        return self._fetch_live_rooms() is not None

    def _fetch_live_rooms(self) -> Mapping[str, str] | None:
        """Return the live rooms of the tracker; ``None`` if it is not available."""
        try:
            return stream_urls.fetch_live_stream_urls(self._tracker, timeout=1)
        except TrackerUnavailableError:
            return None

    def _offline_rooms(self) -> list[str]:
        live = self._fetch_live_rooms() or {}
        return [room for room in self._config.rooms if room not in live]

    def _start_icecast(self, folder: Path, processes: ProcessGroup) -> Icecast | None:
        server = icecast.prepare_icecast(folder)
        if server is None:
            self._print_line("WebM: no, Icecast is not installed.")
            return None
        process = processes.start("icecast", server.command)
        if not processes.wait_until(
            lambda: _is_icecast_ready(server.url), ICECAST_TIMEOUT, process
        ):
            self._print_line(f"WebM: no, Icecast does not respond ({process.log_tail}).")
            return None
        self._print_line(f"WebM: Icecast at {server.url}/")
        return server

    def _start_hls_server(self, folder: Path) -> HlsServer:
        hls_folder = folder / "hls"
        hls_folder.mkdir()
        self._hls_server = HlsServer(hls_folder, folder / "access.log")
        url = self._hls_server.url
        self._print_line(f"HLS: a small file server at {url}/ (good for a demo only)")
        return self._hls_server

    def _start_encoders(
        self,
        folder: Path,
        ffmpeg_path: str,
        processes: ProcessGroup,
        icecast_server: Icecast | None,
    ) -> None:
        with_text = test_patterns.can_draw_text(ffmpeg_path, ProcessRunner(self.stop))
        encoders: list[tuple[Path, ManagedProcess]] = []
        for number, (room, title) in enumerate(self._config.rooms.items()):
            room_folder = folder / "hls" / room
            room_folder.mkdir()
            (room_folder / "name.txt").write_text(title, encoding="utf-8")
            command = test_patterns.encoder_command(
                ffmpeg_path, number, with_text=with_text, icecast=icecast_server, room=room
            )
            process = processes.start(f"ffmpeg-{room}", command, folder=room_folder)
            encoders.append((room_folder / "stream.m3u8", process))
        for playlist, process in encoders:
            if not processes.wait_until(playlist.exists, ENCODER_TIMEOUT, process):
                raise ProgramError(f"{process.name} produces no stream ({process.log_tail})")

    def _start_agents(
        self, folder: Path, hls_server: HlsServer, icecast_server: Icecast | None
    ) -> None:
        """Start the agents and the thumbnail service in threads of this process."""
        config = self._config
        agent = create_hls_agent(
            folder,
            tracker=config.tracker,
            token=config.token,
            rooms=config.rooms,
            server_url=hls_server.url,
            access_log=folder / "access.log",
            preview_folder=config.preview_folder,
        )
        # A demo that was killed may start again at once.
        self._run_service("HLS", RegistrationService(agent, has_instance=False))
        if config.preview_folder:
            self._run_service("previews", ThumbnailService(agent))
        if icecast_server:
            agent = create_webm_agent(
                folder,
                tracker=config.tracker,
                token=config.token,
                rooms=config.rooms,
                icecast=icecast_server,
            )
            self._run_service("WebM", RegistrationService(agent, has_instance=False))

    def _run_service(self, name: str, service: AgentService) -> None:
        def run() -> None:
            try:
                service.run()
            except (CredentialsRejectedError, AgentConfigError) as error:
                self._print_line(f"{name}: {error}")

        self._services.append(service)
        self._threads.append(threading.Thread(target=run, name=name, daemon=True))
        self._threads[-1].start()

    def _start_viewers(self, folder: Path, processes: ProcessGroup) -> None:
        chromium = browsers.find_chromium()
        if chromium is None:
            if self._config.viewers:
                self._print_line("Viewers: none, Chromium is not installed.")
            return
        rooms = list(self._config.rooms)
        for number in range(self._config.viewers):
            url = f"{self._config.site}/{rooms[number % len(rooms)]}"
            command = browsers.chromium_command(chromium, url, folder / f"profile{number + 1}")
            processes.start(f"viewer-{number + 1}", command)
        if self._config.viewers:
            self._print_line(f"Viewers: {self._config.viewers} in Chromium, without a window")

    def _print_urls(self) -> None:
        site, rooms = self._config.site, self._config.rooms
        first = next(iter(rooms))
        urls = {
            f"{site}/": "the rooms, as viewers see them",
            f"{site}/{first}": f"{rooms[first]}, playing",
            f"{site}/monitor": "what is on and what is wrong, for the crew",
            f"{self._config.tracker}/endpoint/stats": "who streams how much to how many",
        }
        width = max(map(len, urls))
        self._print_line("")
        self._print_line("Everything runs; Ctrl-C ends it. Open:")
        for url, description in urls.items():
            self._print_line(f"  {url:{width}}  {description}")

    def _shut_down(self, processes: ProcessGroup) -> None:
        """Stop everything; the agents first, so that they can deregister at the site."""
        self.stop.set()
        for service in self._services:
            service.stop.set()
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        processes.terminate()
        if self._hls_server:
            self._hls_server.close()
        for service in self._services:
            if isinstance(service, ThumbnailService):
                service.clear()
                # The folder stays if it has other files.
                with contextlib.suppress(OSError):
                    service.config.folder.rmdir()


def _is_icecast_ready(url: str) -> bool:
    try:
        with urllib3.PoolManager(retries=False, timeout=2) as pool:
            return pool.request("GET", f"{url}/status-json.xsl").status == 200
    except urllib3.exceptions.HTTPError:
        return False
