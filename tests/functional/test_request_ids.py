"""One id for each request: in its answer, and in every line of log about it."""

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

OURS = re.compile("[0-9a-f]{32}")


@pytest.fixture
def lines():
    """The lines of JSON that are logged."""
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
        "given",
        [
            "1f0b7d6e3c5a4e2b9d8877665544aa01",
            "1f0b7d6e-3c5a-4e2b-9d88-77665544aa01",
            "a.b-c_d8",
            "x" * 64,
        ],
    )
    def test_that_of_the_proxy_is_kept(self, app, given):
        answer = app.get("/healthz", headers={"X-Request-ID": given})

        assert answer.headers["X-Request-ID"] == given

    @pytest.mark.parametrize(
        "given", ["", "short", "x" * 65, "0123456789 abc", "<b>12345678</b>", "é" * 8, "12345678\n"]
    )
    def test_a_stranger_s_words_are_none(self, app, given):
        answer = app.get("/healthz", extra_environ={"HTTP_X_REQUEST_ID": given})

        assert OURS.fullmatch(answer.headers["X-Request-ID"])

    def test_each_request_has_another(self, app):
        ids = {app.get("/healthz").headers["X-Request-ID"] for _ in range(20)}

        assert len(ids) == 20

    @pytest.mark.parametrize("path", ["/nothing/at/all", "/%ff", "/static/none"])
    def test_errors_have_one_too(self, app, path):
        answer = app.get(path, headers={"X-Request-ID": "0123456789abcdef"}, status="4*")

        assert answer.headers["X-Request-ID"] == "0123456789abcdef"

    def test_nothing_is_left_of_it_behind_the_request(self, app):
        app.get("/healthz", headers={"X-Request-ID": "0123456789abcdef"})

        assert current_request_id.get() == ""


class TestLines:
    def test_what_is_logged_of_a_request_has_its_id(self, site, schedule_file, lines):
        schedule_file.write_text("rubbish")

        site.get("/hall", headers={"X-Request-ID": "0123456789abcdef"})

        [line] = lines
        assert line["request_id"] == "0123456789abcdef"
        assert "the previous schedule stays in service" in line["message"]

    def test_a_database_that_fails_is_logged_with_it(self, tracker, away, lines):
        with away():
            # One more, where a connection was open still.
            answer = tracker.get(
                "/readyz", headers={"X-Request-ID": "0123456789abcdef"}, status=503
            )

        assert answer.headers["X-Request-ID"] == "0123456789abcdef"
        assert [line["request_id"] for line in lines] == ["0123456789abcdef"]

    def test_there_is_no_access_log_unless_it_is_wanted(self, site, lines):
        site.get("/")

        assert lines == []

    def test_the_access_log_says_what_was_asked_and_nothing_of_who(self, make_site, lines):
        site = make_site(access_log="true")

        site.get(
            "/schedule?q=my+own+words", headers={"User-Agent": "Viewer/1", "X-Request-ID": "a" * 32}
        )
        site.get("/forged%0A%22line%22", status=404)

        first, second = lines
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

    def test_monitors_are_not_in_it(self, make_site, lines):
        site = make_site(access_log="true")

        site.get("/healthz")
        site.get("/readyz")

        assert lines == []


class TestProduction:
    def test_every_line_of_a_served_site_is_an_object(self, root, tmp_path, schedule_file):
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
            answer = connection.getresponse()
            answer.read()
            connection.close()
            told = next(told for told in map(json.loads, lines) if "path" in told)

        assert answer.headers["X-Request-ID"] == "0123456789abcdef"
        assert (told["request_id"], told["path"], told["status"]) == ("0123456789abcdef", "/", 200)


class serving:  # noqa: N801 - It is used as a function.
    """Serve what an ini says, until the end of the block; each line that it logs must be JSON."""

    def __init__(self, ini):
        pserve = Path(sys.executable).with_name("pserve")
        self._process = subprocess.Popen(
            [pserve, "-q", ini],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        """Return the port, and the further lines."""
        for line in self._process.stderr:
            message = json.loads(line)["message"]
            if found := re.search(r"Serving on http://127\.0\.0\.1:(\d+)", message):
                return int(found[1]), iter(self._process.stderr)
        raise AssertionError("the site did not start")

    def __exit__(self, *error):
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()
