"""The id of a request: in its response, and in every log line about it."""

import contextlib
import http.client
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streaming_system.web.json_logging import JsonFormatter, current_request_id

GENERATED_ID = re.compile("[0-9a-f]{32}")


@pytest.fixture
def lines():
    """The logged JSON objects."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(self.format(record)))

    handler = Lines()
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("streaming_system")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


class TestIds:
    @pytest.fixture(params=["site", "tracker"])
    def app(self, request, site, tracker):
        return {"site": site, "tracker": tracker}[request.param]

    @pytest.mark.parametrize(
        "header",
        [
            "1f0b7d6e3c5a4e2b9d8877665544aa01",
            "1f0b7d6e-3c5a-4e2b-9d88-77665544aa01",
            "a.b-c_d8",
            "x" * 64,
        ],
    )
    def test_id_of_the_proxy_is_used(self, app, header):
        response = app.get("/healthz", headers={"X-Request-ID": header})

        assert response.headers["X-Request-ID"] == header

    @pytest.mark.parametrize(
        "header",
        ["", "short", "x" * 65, "0123456789 abc", "<b>12345678</b>", "é" * 8, "12345678\n"],
    )
    def test_invalid_id_is_replaced(self, app, header):
        response = app.get("/healthz", extra_environ={"HTTP_X_REQUEST_ID": header})

        assert GENERATED_ID.fullmatch(response.headers["X-Request-ID"])

    def test_ids_are_unique(self, app):
        ids = {app.get("/healthz").headers["X-Request-ID"] for _ in range(20)}

        assert len(ids) == 20

    @pytest.mark.parametrize("path", ["/nothing/at/all", "/%ff", "/static/none"])
    def test_errors_have_an_id(self, app, path):
        response = app.get(path, headers={"X-Request-ID": "0123456789abcdef"}, status="4*")

        assert response.headers["X-Request-ID"] == "0123456789abcdef"

    def test_id_is_reset_after_the_request(self, app):
        app.get("/healthz", headers={"X-Request-ID": "0123456789abcdef"})

        assert current_request_id.get() == ""


class TestLogs:
    def test_log_line_of_a_request_has_its_id(self, site, schedule_file, lines):
        schedule_file.write_text("rubbish")

        site.get("/hall", headers={"X-Request-ID": "0123456789abcdef"})

        [line] = lines
        assert line["request_id"] == "0123456789abcdef"
        assert "the previous schedule stays in service" in line["message"]

    def test_log_line_of_a_database_error_has_the_id(self, tracker, away, lines):
        with away():
            response = tracker.get(
                "/readyz", headers={"X-Request-ID": "0123456789abcdef"}, status=503
            )

        assert response.headers["X-Request-ID"] == "0123456789abcdef"
        assert [line["request_id"] for line in lines] == ["0123456789abcdef"]

    def test_access_log_is_off_by_default(self, site, lines):
        site.get("/")

        assert lines == []

    def test_access_log_has_the_path_and_nothing_about_the_client(self, make_site, lines):
        site = make_site(access_log="true")

        site.get(
            "/schedule?q=my+own+words", headers={"User-Agent": "Viewer/1", "X-Request-ID": "a" * 32}
        )
        site.get("/forged%0A%22line%22", status=404)

        first, second = (line for line in lines if line["logger"] == "streaming_system.access")
        assert (first["logger"], first["method"], first["path"], first["status"]) == (
            "streaming_system.access",
            "GET",
            "/schedule",
            200,
        )
        assert first["request_id"] == "a" * 32
        assert first["milliseconds"] > 0
        assert second["path"] == "/forged%0A%22line%22"
        assert second["message"].startswith("GET /forged%0A%22line%22 404 ")
        text = json.dumps(lines)
        assert [word for word in ("203.0.113.1", "Viewer", "words") if word in text] == []

    def test_access_log_excludes_health_checks(self, make_site, lines):
        site = make_site(access_log="true")

        site.get("/healthz")
        site.get("/readyz")

        assert [line for line in lines if "path" in line] == []


class TestProduction:
    def test_production_logs_json_lines_only(self, root, tmp_path, schedule_file):
        ini = tmp_path / "production.ini"
        ini.write_text(
            (root / "production.ini")
            .read_text()
            .replace("127.0.0.1:8001", "127.0.0.1:0")
            .replace("schedule.file = %(var)s/schedule.json", f"schedule.file = {schedule_file}")
            .replace("access_log = false", "access_log = true")
            .replace("level = WARN", "level = INFO")
        )
        for name in ("config.json", "brand"):
            (tmp_path / name).symlink_to(root / name)
        (tmp_path / "config.private.json").write_text('{"config": {"secret": "s3cret"}}')

        with serving(f"{ini}#frontend") as (port, lines):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/", headers={"X-Request-ID": "0123456789abcdef"})
            response = connection.getresponse()
            response.read()
            connection.close()
            access = next(access for access in map(json.loads, lines) if "path" in access)

        assert response.headers["X-Request-ID"] == "0123456789abcdef"
        assert (access["request_id"], access["path"], access["status"]) == (
            "0123456789abcdef",
            "/",
            200,
        )


@contextlib.contextmanager
def serving(ini):
    """Run the server of an ini file; yield its port and its further log lines, which are JSON."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("pserve"), "-q", ini],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            for line in process.stderr:
                message = json.loads(line)["message"]
                if match := re.search(r"Serving on http://127\.0\.0\.1:(\d+)", message):
                    break
            else:
                raise AssertionError("the site did not start")
            yield int(match[1]), process.stderr
        finally:
            process.kill()
