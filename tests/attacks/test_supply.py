"""The supply chain: the SBOM, the audit of dependencies, and reproducible builds."""

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


def run_tool(name, *arguments, root=ROOT, **environ):
    return subprocess.run(
        [sys.executable, root / "tools" / name, *arguments], text=True, capture_output=True,
        check=False, cwd=root, env=os.environ | environ, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sbom(tmp_path_factory):
    """The SBOM that `make sbom` writes."""
    target = tmp_path_factory.mktemp("sbom") / "new/sbom.json"
    result = run_tool("sbom.py", target, SOURCE_DATE_EPOCH="1700000000")
    assert result.returncode == 0, result.stderr
    return target.read_text()


class TestSbom:
    def test_sbom_matches_the_lock_file(self, sbom):
        lock = (ROOT / "requirements.txt").read_text()
        locked = {
            (name, version): set(re.findall(r"sha256:(\w+)", rest))
            for name, version, rest in re.findall(
                r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)(.*(?:\n    --hash.*)*)", lock, re.MULTILINE
            )
        }
        listed = {
            (part["name"], part["version"]): {
                hash_["content"] for hash_ in part["hashes"] if hash_["alg"] == "SHA-256"
            }
            for part in json.loads(sbom)["components"]
        }

        assert len(locked) > 40
        assert listed == locked

    def test_sbom_is_valid_cyclonedx(self, sbom):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom) is None

    def test_sbom_contains_licences(self, sbom):
        document = json.loads(sbom)
        licences = {
            part["name"]: json.dumps(part.get("licenses")) for part in document["components"]
        }

        assert "MIT" in licences["sqlalchemy"]
        assert "ZPL" in licences["waitress"] or "Zope" in licences["waitress"]
        assert sum(text != "null" for text in licences.values()) > len(licences) * 0.8
        assert document["metadata"]["component"]["name"] == "streaming-system"

    def test_sbom_is_reproducible(self, sbom, tmp_path):
        run_tool("sbom.py", tmp_path / "again.json", SOURCE_DATE_EPOCH="1700000000")

        assert (tmp_path / "again.json").read_text() == sbom

    def test_lock_file_without_hashes_is_refused(self, tmp_path):
        (tmp_path / "lock.txt").write_text("jinja2==3.1.6\n")

        result = run_tool("sbom.py", tmp_path / "x.json", "--lock", tmp_path / "lock.txt")

        assert result.returncode == 1
        assert "not a locked package with a hash; run make lock" in result.stderr
        assert not (tmp_path / "x.json").exists()


@contextmanager
def osv_server(vulnerabilities, status=200):
    """A server with the API of OSV: https://google.github.io/osv.dev/api/.

    It lists an advisory for the versions in its ``affects``, or for every version.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            queries = [
                (query["package"]["name"], query.get("version")) for query in body["queries"]
            ]
            server.packages += [query for query in queries if query[1]]
            self.send_json(
                {"results": [{"vulns": [
                    {"id": number, "modified": entry.get("modified")}
                    for number, entry in vulnerabilities.get(name, {}).items()
                    if version is None or version in entry.get("affects", [version])
                ]} for name, version in queries]}
            )  # fmt: skip

        def do_GET(self):
            number = self.path.rpartition("/")[2]
            server.fetched.append(number)
            self.send_json(
                next(entries[number] for entries in vulnerabilities.values() if number in entries)
            )

        def send_json(self, value):
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
        server.packages, server.fetched = [], []
        yield server
        server.shutdown()
        thread.join()


def locked_version(name):
    """Return the version of a package in the lock file."""
    lock = (ROOT / "requirements.txt").read_text()
    return re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)[1]


def advisory(name, **affected):
    """Return an advisory in OSV's format."""
    package = {"name": name, "ecosystem": "PyPI"}
    return {
        "summary": "A header breaks.",
        "modified": "2026-11-01T00:00:00Z",
        "affects": affected.pop("affects", []),
        "affected": [{"package": package, **affected}],
    }


class TestAudit:
    @pytest.fixture
    def audit(self, tmp_path):
        """Return a function that runs the audit with a copy of its own."""
        return lambda url: run_tool("audit.py", "--url", url, "--copy", tmp_path / "var/copy.json")

    def test_audit_reports_known_vulnerabilities(self, audit):
        vulnerabilities = {
            "jinja2": {"GHSA-one": {"summary": "A sandbox\nbreaks."}},
            "waitress": {"GHSA-two": {"summary": "No.", "withdrawn": "2026-01-01T00:00:00Z"}},
        }
        with osv_server(vulnerabilities) as osv:
            result = audit(osv.url)

        *lines, last = result.stdout.splitlines()
        assert result.returncode == 1
        assert len(lines) == 1
        assert re.fullmatch(r"jinja2 [\d.]+: GHSA-one: A sandbox breaks\.", lines[0])
        assert last == f"{len(osv.packages)} packages, 1 known vulnerabilities"
        # All deployed packages, once each.
        locks = [(ROOT / f"requirements{more}.txt").read_text() for more in ("", "-extras")]
        locked = {
            pin for lock in locks for pin in re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", lock, re.M)
        }
        assert sorted(osv.packages) == sorted(locked)

    def test_audit_succeeds_without_vulnerabilities(self, audit):
        with osv_server({}) as osv:
            result = audit(osv.url)

        assert (result.returncode, result.stdout.splitlines()[-1][-24:]) == (
            0,
            ", 0 known vulnerabilities"[-24:],
        )

    def test_audit_fails_in_one_line_if_osv_is_unavailable(self, audit):
        with osv_server({}, status=503) as osv:
            failing = audit(osv.url)
        unreachable = audit(f"http://127.0.0.1:{free_port()}")

        for result in (failing, unreachable):
            [line] = result.stdout.splitlines()
            assert (result.returncode, result.stderr) == (2, "")
            assert line.startswith("NOT AUDITED: http://127.0.0.1:")
            assert line.endswith("; there is no copy of its advisories; try again elsewhere")

    @pytest.mark.parametrize(
        "affected",
        [
            {"versions": ["0.1", "{}"]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]},
            {"ranges": [{"type": "ECOSYSTEM",
                         "events": [{"introduced": "0.1"}, {"last_affected": "{}"}]}]},
        ],
    )  # fmt: skip
    def test_lock_is_checked_against_the_copy_while_osv_is_unavailable(self, audit, affected):
        affected = json.loads(json.dumps(affected).replace("{}", locked_version("jinja2")))
        with osv_server({"jinja2": {"GHSA-one": advisory("Jinja2", **affected)}}) as osv:
            # OSV does not list it for the locked version yet, but for another one.
            assert audit(osv.url).returncode == 1

        result = audit(f"http://127.0.0.1:{free_port()}")

        finding, last = result.stdout.splitlines()
        assert result.returncode == 2
        assert finding == f"jinja2 {locked_version('jinja2')}: GHSA-one: A header breaks."
        assert re.search(r"; its copy of \d{4}-\d\d-\d\d names 1; try again elsewhere$", last)

    @pytest.mark.parametrize(
        "affected",
        [
            {"versions": ["0.1"]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.9"}]}]},
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "9999"}]}]},
            {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
        ],
    )
    def test_advisories_about_other_versions_are_no_findings(self, audit, affected):
        with osv_server({"jinja2": {"GHSA-one": advisory("jinja2", **affected)}}) as osv:
            results = [audit(osv.url), audit(osv.url)]
            # An advisory that has not changed is fetched once.
            assert osv.fetched == ["GHSA-one"]
        results.append(audit(f"http://127.0.0.1:{free_port()}"))

        assert [result.returncode for result in results] == [0, 0, 2]
        assert len(results[2].stdout.splitlines()) == 1

    def test_damaged_copy_is_reported_in_one_line(self, audit, tmp_path):
        (tmp_path / "var").mkdir()
        (tmp_path / "var/copy.json").write_text("[]")

        result = audit(f"http://127.0.0.1:{free_port()}")

        assert result.returncode == 1
        assert result.stderr.splitlines()[0].endswith("; delete it")


def test_wheel_is_reproducible(tmp_path):
    built = []
    for name, mask, zone, seed in (
        ("here", 0o022, "UTC", "1"),
        ("some where else", 0o077, "Asia/Kolkata", "2"),
    ):
        copy = tmp_path / name
        copy.mkdir()
        for part in ("src", "parsers", "alembic", "conf", "tools", "setup.py", "pyproject.toml",
                     "MANIFEST.in", "README.md", "LICENSE"):  # fmt: skip
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
            result = run_tool(
                "build_wheel.py", copy / "dist", root=copy, TZ=zone, PYTHONHASHSEED=seed,
                TMPDIR=str(temporary), SOURCE_DATE_EPOCH="1700000000",
            )  # fmt: skip
        finally:
            os.umask(before)
        assert result.returncode == 0, result.stderr
        [wheel] = (copy / "dist").glob("*.whl")
        assert result.stdout.split()[0] == sha256(wheel.read_bytes()).hexdigest()
        built.append(wheel)

    one, other = (wheel.read_bytes() for wheel in built)
    assert built[0].name == built[1].name
    assert sha256(one).hexdigest() == sha256(other).hexdigest()
    names = zipfile.ZipFile(built[0]).namelist()
    assert {"streaming_system/net/ssrf.py", "streaming_system/parsers/webhook.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_wheel_needs_the_time_of_the_sources(tmp_path):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")

    result = run_tool(
        "build_wheel.py", tmp_path, root=tmp_path, SOURCE_DATE_EPOCH="", GIT_DIR="/nowhere"
    )

    assert result.returncode == 1
    assert result.stderr.strip() == (
        "no git checkout: set SOURCE_DATE_EPOCH to the time of the sources"
    )
