"""Starts everything in order, says what to open, and ends everything."""

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from streaming_system.agent import config, ffmpeg
from streaming_system.agent.agent_service import AgentService, CredentialsRejectedError
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.service import ThumbnailService
from streaming_system.agent.register import RegistrationService
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.agent.tracker_http import BoundedHttpClient, TrackerUnavailableError
from streaming_system.demo import browsers, icecast, test_patterns
from streaming_system.demo.hls_server import HlsServer
from streaming_system.demo.icecast import Icecast
from streaming_system.demo.processes import DemoStoppedError, ManagedProcess, ProcessGroup

# As an operator would write them.
HLS_INI = """[agent]
trackers = {tracker}
token = {token}
name = demo-hls
url = {url}/{{room}}/
interval = 3
capacity = 100M
status = off
[source:files]
use = static
check = {url}/{{mount}}/stream.m3u8
access.log = {log}
access.path = /{{mount}}
access.window = 12
streams =
{streams}
{preview}
"""
PREVIEW_INI = """[preview]
folder = {folder}
interval = 10
at.once = 1
status = off
"""
WEBM_INI = """[agent]
trackers = {tracker}
token = {token}
name = demo-icecast
url = {url}/{{room}}/
interval = 3
capacity = 100M
status = off
[source:icecast]
use = icecast
url = {url}
user = admin
password = {password}
streams =
{streams}
"""


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What is to be shown.

    :param ini: of the site.
    :param rooms: their titles by their ids.
    :param site: where its pages are.
    :param previews: the folder that it serves pictures from; ``None``: it serves none.
    :param token: which the tracker takes for all rooms.
    :param viewers: how many players there shall be.
    """

    ini: Path
    rooms: Mapping[str, str]
    site: str
    tracker: str
    previews: Path | None
    token: str = field(repr=False)
    viewers: int


class DemoRunner:
    """The whole system, alive.

    :param say: shows people a line.
    """

    def __init__(self, plan: DemoConfig, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say
        self._tracker = BoundedHttpClient(plan.tracker)
        self.stop = threading.Event()
        self._parts: list[AgentService] = []
        self._threads: list[threading.Thread] = []
        self._files: HlsServer | None = None

    def run(self) -> None:
        """Go on until :attr:`stop` is set.

        :raises ProgramError: if a part without which there is nothing to see does not work.
        """
        found = ffmpeg.find_ffmpeg()
        if found is None:
            raise ProgramError("the demo needs ffmpeg, which is not installed")
        with tempfile.TemporaryDirectory(prefix="streaming-demo-") as folder:
            children = ProcessGroup(Path(folder), self.stop, self._say)
            try:
                self._start(Path(folder), found, children)
                while not self.stop.wait(0.5):
                    children.tend()
            except DemoStoppedError:
                pass
            finally:
                self._end(children)

    def _start(self, folder: Path, found: str, children: ProcessGroup) -> None:
        self._serve_site(children)
        casting = self._start_icecast(folder, children)
        self._start_patterns(folder, found, children, casting)
        self._register(folder, casting)
        if not children.wait_until(lambda: not self._silent(), 60):
            self._say(f"Not live after a minute: {', '.join(self._silent())}")
        self._start_players(folder, children)
        self._tell()

    def _serve_site(self, children: ProcessGroup) -> None:
        """Start the site, unless it runs already."""
        site = self._plan.site
        if self._answers():
            self._say(f"The site runs already: {site}/")
            return
        pserve = str(Path(sys.executable).with_name("pserve"))
        ini = self._plan.ini.absolute()
        child = children.start("site", (pserve, str(ini)), folder=ini.parent, again=False)
        if not children.wait_until(self._answers, 60, child):
            raise ProgramError(f"the site does not answer at {site}/ ({child.said})")
        self._say(f"The site runs: {site}/")

    def _answers(self) -> bool:
        return self._live() is not None

    def _live(self) -> Mapping[str, str] | None:
        """Return the rooms that are live at the tracker, if it answers."""
        try:
            return stream_urls.fetch_live_stream_urls(self._tracker, timeout=1)
        except TrackerUnavailableError:
            return None

    def _silent(self) -> list[str]:
        live = self._live() or {}
        return [room for room in self._plan.rooms if room not in live]

    def _start_icecast(self, folder: Path, children: ProcessGroup) -> Icecast | None:
        casting = icecast.prepare_icecast(folder)
        if casting is None:
            self._say("WebM: no, Icecast is not installed.")
            return None
        child = children.start("icecast", casting.command)
        if not children.wait_until(lambda: _is_icecast_ready(casting.url), 10, child):
            self._say(f"WebM: no, Icecast does not answer ({child.said}).")
            return None
        self._say(f"WebM: Icecast at {casting.url}/")
        return casting

    def _start_patterns(
        self, folder: Path, found: str, children: ProcessGroup, casting: Icecast | None
    ) -> None:
        hls = folder / "hls"
        hls.mkdir()
        self._files = HlsServer(hls, folder / "access.log")
        self._say(f"HLS: a small file server at {self._files.url}/ (good for a demo only)")
        words = test_patterns.can_draw_text(found, ProcessRunner(self.stop))
        encoders: list[tuple[Path, ManagedProcess]] = []
        for number, (room, title) in enumerate(self._plan.rooms.items()):
            at = hls / room
            at.mkdir()
            (at / "name.txt").write_text(title, encoding="utf-8")
            command = test_patterns.encoder_command(
                found, number, words=words, icecast=casting, room=room
            )
            encoders.append(
                (at / "stream.m3u8", children.start(f"ffmpeg-{room}", command, folder=at))
            )
        for playlist, child in encoders:
            if not children.wait_until(playlist.exists, 30, child):
                raise ProgramError(f"{child.name} makes no stream ({child.said})")

    def _register(self, folder: Path, casting: Icecast | None) -> None:
        """Start the agents and the previews, in threads of this process."""
        plan = self._plan
        assert self._files is not None  # noqa: S101 - For mypy.
        preview = PREVIEW_INI.format(folder=plan.previews) if plan.previews else ""
        streams = _indent_lines(
            f"{room} = {room} hls {test_patterns.HLS_BITRATE // 1000}k" for room in plan.rooms
        )
        hls = HLS_INI.format(
            tracker=plan.tracker,
            token=plan.token,
            url=self._files.url,
            log=folder / "access.log",
            streams=streams,
            preview=preview,
        )
        agent = _load_agent(folder / "hls.ini", hls)
        self._run("HLS", RegistrationService(agent))
        if plan.previews:
            self._run("previews", ThumbnailService(agent))
        if casting:
            bitrate = test_patterns.WEBM_BITRATE // 1000
            streams = _indent_lines(
                f"{test_patterns.mount(room)} = {room} webm_high {bitrate}k" for room in plan.rooms
            )
            webm = WEBM_INI.format(
                tracker=plan.tracker,
                token=plan.token,
                url=casting.url,
                password=casting.password,
                streams=streams,
            )
            self._run("WebM", RegistrationService(_load_agent(folder / "webm.ini", webm)))

    def _run(self, name: str, part: AgentService) -> None:
        def run() -> None:
            try:
                part.run()
            except (CredentialsRejectedError, config.AgentConfigError) as error:
                self._say(f"{name}: {error}")

        self._parts.append(part)
        self._threads.append(threading.Thread(target=run, name=name, daemon=True))
        self._threads[-1].start()

    def _start_players(self, folder: Path, children: ProcessGroup) -> None:
        chromium = browsers.find_chromium()
        if chromium is None:
            if self._plan.viewers:
                self._say("Viewers: none, Chromium is not installed.")
            return
        rooms = list(self._plan.rooms)
        for number in range(self._plan.viewers):
            url = f"{self._plan.site}/{rooms[number % len(rooms)]}"
            command = browsers.chromium_command(chromium, url, folder / f"profile{number + 1}")
            children.start(f"viewer-{number + 1}", command)
        if self._plan.viewers:
            self._say(f"Viewers: {self._plan.viewers} in Chromium, without a window")

    def _tell(self) -> None:
        site, rooms = self._plan.site, self._plan.rooms
        first = next(iter(rooms))
        lines = {
            f"{site}/": "the rooms, as viewers see them",
            f"{site}/{first}": f"{rooms[first]}, playing",
            f"{site}/monitor": "what is on and what is wrong, for the crew",
            f"{self._plan.tracker}/endpoint/stats": "who streams how much to how many",
        }
        width = max(map(len, lines))
        self._say("")
        self._say("Everything runs; Ctrl-C ends it. Open:")
        for url, what in lines.items():
            self._say(f"  {url:{width}}  {what}")

    def _end(self, children: ProcessGroup) -> None:
        """End everything in order: goodbyes first, while there is a site to hear them."""
        self.stop.set()
        for part in self._parts:
            part.stop.set()
        until = time.monotonic() + 2.5
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        children.end()
        if self._files:
            self._files.close()
        for part in self._parts:
            if isinstance(part, ThumbnailService):
                part.clear()
                with contextlib.suppress(OSError):
                    # Unless somebody else's pictures are there.
                    part.config.folder.rmdir()


def _indent_lines(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _load_agent(file: Path, text: str) -> config.AgentConfig:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return config.load_agent_config(file)


def _is_icecast_ready(url: str) -> bool:
    try:
        with urllib3.PoolManager(retries=False, timeout=2) as pool:
            return pool.request("GET", f"{url}/status-json.xsl").status == 200
    except urllib3.exceptions.HTTPError:
        return False
