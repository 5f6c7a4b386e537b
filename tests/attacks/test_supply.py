"""What the program is made of: listed, asked after, and built to the same bytes."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from functional.agent.servers import free_port

ROOT = Path(__file__).parents[2]


def tool(name, *words, root=ROOT, **environ):
    return subprocess.run(
        [sys.executable, root / "tools" / name, *words], text=True, capture_output=True,
        check=False, cwd=root, env=os.environ | environ, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The list, as `make sbom` writes it."""
    target = tmp_path_factory.mktemp("sbom") / "new/sbom.json"
    done = tool("sbom.py", target, SOURCE_DATE_EPOCH="1700000000")
    assert done.returncode == 0, done.stderr
    return target.read_text()


class TestList:
    def test_the_list_is_that_of_the_lock(self, written):
        lock = (ROOT / "requirements.txt").read_text()
        locked = {
            (name, version): set(re.findall(r"sha256:(\w+)", rest))
            for name, version, rest in re.findall(
                r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)(.*(?:\n    --hash.*)*)", lock, re.MULTILINE
            )
        }
        listed = {
            (part["name"], part["version"]): {
                one["content"] for one in part["hashes"] if one["alg"] == "SHA-256"
            }
            for part in json.loads(written)["components"]
        }

        assert len(locked) > 40
        assert listed == locked

    def test_it_is_cyclonedx(self, written):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None

    def test_licences_are_named(self, written):
        document = json.loads(written)
        named = {part["name"]: json.dumps(part.get("licenses")) for part in document["components"]}

        assert "MIT" in named["sqlalchemy"]
        assert "ZPL" in named["waitress"] or "Zope" in named["waitress"]
        assert sum(text != "null" for text in named.values()) > len(named) * 0.8
        assert document["metadata"]["component"]["name"] == "streaming-system"

    def test_the_same_lock_gives_the_same_bytes(self, written, tmp_path):
        tool("sbom.py", tmp_path / "again.json", SOURCE_DATE_EPOCH="1700000000")

        assert (tmp_path / "again.json").read_text() == written

    def test_a_lock_without_hashes_is_refused(self, tmp_path):
        (tmp_path / "lock.txt").write_text("jinja2==3.1.6\n")

        done = tool("sbom.py", tmp_path / "x.json", "--lock", tmp_path / "lock.txt")

        assert done.returncode == 1
        assert "not a locked package with a hash; run make lock" in done.stderr
        assert not (tmp_path / "x.json").exists()


@contextmanager
def database(known, status=200):
    """A server that speaks as OSV does: https://google.github.io/osv.dev/api/."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked = [(q["package"]["name"], q["version"]) for q in asked["queries"]]
            self.answer(
                {"results": [{"vulns": [{"id": i} for i in known.get(name, {})]}
                             for name, _ in server.asked]}
            )  # fmt: skip

        def do_GET(self):
            number = self.path.rpartition("/")[2]
            self.answer(next(of[number] for of in known.values() if number in of))

        def answer(self, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


class TestAudit:
    def test_a_known_vulnerability_is_told(self):
        known = {
            "jinja2": {"GHSA-one": {"summary": "A sandbox\nbreaks."}},
            "waitress": {"GHSA-two": {"summary": "No.", "withdrawn": "2026-01-01T00:00:00Z"}},
        }
        with database(known) as osv:
            done = tool("audit.py", "--url", osv.url)

        *lines, last = done.stdout.splitlines()
        assert done.returncode == 1
        assert len(lines) == 1
        assert re.fullmatch(r"jinja2 [\d.]+: GHSA-one: A sandbox breaks\.", lines[0])
        assert last == f"{len(osv.asked)} packages, 1 known vulnerabilities"
        # Each that may be deployed, once.
        locks = [(ROOT / f"requirements{more}.txt").read_text() for more in ("", "-extras")]
        locked = {
            pin for lock in locks for pin in re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", lock, re.M)
        }
        assert sorted(osv.asked) == sorted(locked)

    def test_nothing_known_is_well(self):
        with database({}) as osv:
            done = tool("audit.py", "--url", osv.url)

        assert (done.returncode, done.stdout.splitlines()[-1][-24:]) == (
            0,
            ", 0 known vulnerabilities"[-24:],
        )

    def test_what_cannot_be_asked_is_said_and_is_no_clean_bill(self):
        with database({}, status=503) as osv:
            failing = tool("audit.py", "--url", osv.url)
        away = tool("audit.py", "--url", f"http://127.0.0.1:{free_port()}")

        for done in (failing, away):
            [line] = done.stdout.splitlines()
            assert (done.returncode, done.stderr) == (0, "")
            assert line.startswith("NOT AUDITED: http://127.0.0.1:")
            assert "vulnerabilities" not in line


def test_the_wheel_is_the_same_wherever_and_whenever_it_is_built(tmp_path):
    built = []
    for name, mask, zone, seed in (
        ("here", 0o022, "UTC", "1"),
        ("some where else", 0o077, "Asia/Kolkata", "2"),
    ):
        copy = tmp_path / name
        copy.mkdir()
        for part in ("src", "parsers", "tools", "setup.py", "pyproject.toml", "MANIFEST.in",
                     "README.md", "LICENSE"):  # fmt: skip
            if (ROOT / part).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(ROOT / part, copy / part, ignore=ignored)
            else:
                shutil.copy(ROOT / part, copy / part)
        for path in copy.rglob("*"):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
            os.utime(path, (mask * 10**7, mask * 10**7))
        temporary = copy / "tmp"
        temporary.mkdir()
        before = os.umask(mask)
        try:
            done = tool(
                "build_wheel.py", copy / "dist", root=copy, TZ=zone, PYTHONHASHSEED=seed,
                TMPDIR=str(temporary), SOURCE_DATE_EPOCH="1700000000",
            )  # fmt: skip
        finally:
            os.umask(before)
        assert done.returncode == 0, done.stderr
        [wheel] = (copy / "dist").glob("*.whl")
        assert done.stdout.split()[0] == sha256(wheel.read_bytes()).hexdigest()
        built.append(wheel)

    one, other = (wheel.read_bytes() for wheel in built)
    assert built[0].name == built[1].name
    assert sha256(one).hexdigest() == sha256(other).hexdigest()
    names = zipfile.ZipFile(built[0]).namelist()
    assert {"streaming_system/net/ssrf.py", "streaming_system/parsers/webhook.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_without_a_time_nothing_is_built(tmp_path):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")

    done = tool("build_wheel.py", tmp_path, root=tmp_path, SOURCE_DATE_EPOCH="", GIT_DIR="/nowhere")

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "no git checkout: set SOURCE_DATE_EPOCH to the time of the sources"
    )
