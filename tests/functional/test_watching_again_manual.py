"""docs/how-to/watching-again.md and recordings.md: their configurations and commands work."""

import json
import logging
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from programs import require
from timeouts import extended

from streaming_system.cli import main
from streaming_system.config.loader import check_conference
from streaming_system.frontend.relive.hls_playlist import decode_playlist, parse_playlist
from streaming_system.schedule.recordings import load_recordings, recordings_file
from streaming_system.util.file_name_times import FileNamePattern

FEED = {
    "schedule": {
        "conference": {
            "title": "Conf",
            "days": [
                {
                    "rooms": {
                        "Hall": [
                            {"id": 101, "guid": "g1", "title": "Opening",
                             "date": "2026-11-24T09:00:00Z", "duration": "00:30"},
                            {"id": 102, "guid": "g2", "title": "Keynote",
                             "date": "2026-11-24T10:00:00Z", "duration": "00:30"},
                        ]
                    }
                }
            ],
        }
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def manual(root):
    pages = ("watching-again.md", "recordings.md")
    return "".join((root / "docs/how-to" / page).read_text() for page in pages)


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_configurations_are_valid(manual, tmp_path):
    kinds = []
    for number, block in enumerate(blocks(manual, "json")):
        document = json.loads(block)
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(document | {"hall": {"schedule": "https://e.example/s.xml"}}))

        checked = check_conference(path, tmp_path / "none.json")

        assert checked.conference, checked.findings
        room = checked.conference.rooms["hall"]
        kinds.append(room.relive.kind if room.relive else room.recordings_list)
    assert kinds == [
        "hls",
        "mediamtx",
        "files",
        "index",
        "https://api.media.ccc.de/public/conferences/ourconf2026",
    ]


def test_names_of_files_match_those_of_nginx(manual):
    [suffix] = re.findall(r"`record_suffix` \| `(\S+)\.flv`", manual)
    source = next(json.loads(b) for b in blocks(manual, "json") if '"files"' in b)
    names = source["default"]["relive"]["names"].replace("{room}", "hall")
    start = datetime(2026, 11, 24, 10, tzinfo=UTC)

    found = FileNamePattern(names).parse_start(f"hall{start:{suffix}}.mp4", ZoneInfo("UTC"))

    assert found == start


def test_command_of_ffmpeg_writes_the_times_of_segments(manual, tmp_path):
    require("ffmpeg")
    [command] = blocks(manual, "sh")
    words = shlex.split(command.replace("\\\n", " "))
    assert words[1:5] == ["-i", "rtmp://localhost/live/hall", "-c", "copy"]
    (tmp_path / "hall").mkdir()
    source = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=5:duration=9", "-c:v", "libx264"]

    before = datetime.now(UTC)
    subprocess.run(
        [words[0], "-nostdin", "-loglevel", "error", *source, "-g", "20", *words[5:]],
        cwd=tmp_path, check=True, timeout=extended(60),
    )  # fmt: skip

    data = (tmp_path / "hall/dvr.m3u8").read_bytes()
    playlist = parse_playlist(decode_playlist(data), "https://cdn.example/hall/dvr.m3u8")
    [span] = playlist.spans
    assert 8 <= span.end - span.start <= 10
    begin = datetime.fromtimestamp(span.start, UTC)
    assert before - timedelta(seconds=1) <= begin <= datetime.now(UTC)


class TestCommands:
    @pytest.fixture
    def run(self, tmp_path, manual):
        """Return a function that runs a command on a site with the manual's CSV file."""
        (tmp_path / "feed.json").write_text(json.dumps(FEED))
        (tmp_path / "recordings.csv").write_text(blocks(manual, "text")[0])
        room = {"title": "Hall", "schedule": "feed.json", "recordings-list": "recordings.csv"}
        (tmp_path / "config.json").write_text(json.dumps({"hall": room}))
        (tmp_path / "site.ini").write_text(
            "[DEFAULT]\nconfig.public = %(here)s/config.json\n"
            "config.private = %(here)s/config.private.json\n"
            "schedule.file = %(here)s/schedule.json\n"
            "[app:frontend]\nuse = egg:streaming-system#frontend\n"
        )

        def run(*arguments):
            return CliRunner().invoke(main, ["-c", str(tmp_path / "site.ini"), *arguments])

        return run

    @pytest.fixture
    def links(self, tmp_path):
        def links():
            talks = load_recordings(recordings_file(tmp_path / "schedule.json")).talks
            return {guid: link.url for guid, (link,) in talks.items()}

        return links

    def test_import_and_recordings_fetch_the_list(self, run, links, tmp_path):
        imported = run("schedule", "import")

        expected = {
            "g1": "https://video.example.org/opening",
            "g2": "https://video.example.org/keynote",
        }
        assert imported.exit_code == 0, imported.output
        assert "recordings.csv: CSV, recordings of 2 talks, 0 entries" in imported.output
        assert links() == expected
        (tmp_path / "recordings.csv").write_text("title,url\nOpening,javascript:alert(1)\n")

        fetched = run("schedule", "recordings")

        assert fetched.exit_code == 0
        assert "line 2: 'Opening': its link is no http:// or https:// address" in fetched.output
        assert "have not changed" in fetched.output
        assert links() == expected

    def test_broken_list_is_one_line_and_does_not_stop_the_import(self, run, links, tmp_path):
        run("schedule", "import")
        before = links()
        (tmp_path / "recordings.csv").write_text("<html>")

        imported = run("schedule", "import")
        fetched = run("schedule", "recordings")

        assert imported.exit_code == 0
        [warning] = [line for line in imported.output.split("\n") if "recordings.csv" in line]
        assert warning.endswith("its last recordings stay")
        assert fetched.exit_code == 1
        [error] = [line for line in fetched.output.split("\n") if line.startswith("Error")]
        assert error.endswith("its last recordings stay")
        assert links() == before

    @pytest.fixture
    def log_level(self):
        """Restore the level that the command sets."""
        logger = logging.getLogger("streaming_system")
        level = logger.level
        yield
        logger.setLevel(level)

    def test_watch_fetches_the_list_at_each_poll(self, run, links, tmp_path, log_level):
        run("schedule", "import")
        recordings_file(tmp_path / "schedule.json").unlink()

        watched = run("schedule", "watch", "--count", "1")

        assert watched.exit_code == 0, watched.output
        assert set(links()) == {"g1", "g2"}

    def test_config_check_finds_a_missing_list(self, run, tmp_path):
        (tmp_path / "recordings.csv").unlink()

        checked = run("config", "check", "--only", "frontend")

        assert checked.exit_code == 1
        assert "key 'recordings-list': there is no file" in checked.output

    def test_recordings_without_a_list_are_an_error(self, run, tmp_path):
        (tmp_path / "config.json").write_text('{"hall": {"title": "Hall"}}')

        fetched = run("schedule", "recordings")

        assert fetched.exit_code == 1
        assert "no room has a list of recordings" in fetched.output
