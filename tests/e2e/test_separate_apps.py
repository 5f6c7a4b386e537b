"""Frontend and tracker as separate processes, and errors at startup."""

import json
from functools import partial

import pytest

from .config import set_ini_key

PSERVE = ".venv/bin/pserve"
exhaustive = partial(pytest.param, marks=pytest.mark.exhaustive)
PAGES = (
    "/",
    "/monitor",
    "/example",
    "/example?template=inroom",
    "/example/json",
    "/example/rss",
    "/favicon.ico",
    "/robots.txt",
    "/brand/logo",
)


def test_frontend_serves_every_page_without_database_and_tracker(
    checkout, serve_command, run_command, free_port
):
    assert run_command(".venv/bin/streaming-system", "schedule", "import").returncode == 0
    set_port(checkout, "server:frontend", free_port)
    ini = checkout / "development.ini"
    set_ini_key(ini, "database", "postgresql+psycopg://user@127.0.0.1:9/nothing")
    # The tracker's address is unreachable.
    set_ini_key(ini, "address", "127.0.0.1:9")

    with serve_command(
        PSERVE, "development.ini#frontend", url=f"http://127.0.0.1:{free_port}"
    ) as site:
        statuses = {page: site.get(page).status for page in PAGES}
        assert statuses == dict.fromkeys(PAGES, 200)
        assert site.get("/nowhere").status == 404
        assert "Traceback" not in site.log
    assert not (checkout / "var/tracker.sqlite").exists()


def test_tracker_without_the_frontend_has_its_url_prefix(
    checkout, serve_command, run_command, free_port
):
    assert (
        run_command(".venv/bin/alembic", "-c", "development.ini", "upgrade", "head").returncode == 0
    )
    set_port(checkout, "server:tracker", free_port)
    url = f"http://127.0.0.1:{free_port}"

    with serve_command(PSERVE, "development.ini#tracker", url=url) as site:
        assert (
            site.post(
                "/tracker/endpoint/register",
                secret="move me to config.private.json",
                group="lab",
                data='{"overall_clients": 5}',
            ).data
            == b"OK\n"
        )
        rooms = json.loads(site.text("/tracker/streams.json"))["rooms"]
        assert {name: room["live"] for name, room in rooms.items()} == {
            "example": False,
            "garden": False,
            "lab": True,
        }
        assert site.get("/").status == 404


def test_production_requires_a_changed_secret(checkout, serve_command, run_command, free_port):
    command = (PSERVE, "production.ini")
    set_ini_key(checkout / "production.ini", "address", f"127.0.0.1:{free_port}")
    set_ini_key(checkout / "production.ini", "database", f"sqlite:///{checkout}/tracker.sqlite")
    assert (
        run_command(".venv/bin/alembic", "-c", "production.ini", "upgrade", "head").returncode == 0
    )
    example = (checkout / "config.private.json.example").read_text()
    (checkout / "config.private.json").write_text(example)

    rejected = run_command(*command)

    assert rejected.returncode == 1
    [line] = rejected.stderr.strip().splitlines()
    assert "secret" in line

    (checkout / "config.private.json").write_text(
        example.replace("move me to config.private.json", "a secret of our own")
    )
    with serve_command(*command, url=f"http://127.0.0.1:{free_port}") as site:
        assert site.get("/").status == 200
        assert site.get("/tracker/streams.json").status == 200
        # Only development trusts the address in a registration.
        site.post("/tracker/endpoint/register", secret="a secret of our own", group="lab",
                  data='{"overall_clients": 1}', REMOTE_ADDR="192.0.2.77")  # fmt: skip
        assert "192.0.2.77" not in site.text("/tracker/streams.json")


@pytest.mark.parametrize(
    ("break_site", "line"),
    [
        (
            lambda checkout: (checkout / "config.private.json").write_text('{"monitor": {}}'),
            "config.private.json:1:2: room 'monitor': the site itself uses /monitor",
        ),
        # Other tests check these messages without a server.
        exhaustive(
            lambda checkout: (checkout / "config.json").write_text("{"),
            "config.json:1:1: the '{' that begins here is not closed",
        ),
        exhaustive(lambda checkout: database(checkout, "nonsense"), "sqlalchemy.url"),
        exhaustive(
            lambda checkout: database(checkout, "sqlite:////none/of/this"), "sqlalchemy.url"
        ),
        exhaustive(
            lambda checkout: database(checkout, "postgresql+psycopg://x@127.0.0.1:9/x"),
            "sqlalchemy.url",
        ),
        # Without make initdb.
        (lambda checkout: (checkout / "var").mkdir(), "make initdb"),
    ],
)
def test_startup_error_is_one_line(checkout, run_command, free_port, break_site, line):
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{free_port}")
    break_site(checkout)

    stopped = run_command(PSERVE, "development.ini")

    assert stopped.returncode == 1
    [message] = stopped.stderr.strip().splitlines()
    assert line in message


def set_port(checkout, section, port):
    """Set the port of a server in the ini file."""
    ini = checkout / "development.ini"
    head, heading, tail = ini.read_text().partition(f"[{section}]")
    lines = tail.split("\n")
    index = next(i for i, line in enumerate(lines) if line.startswith("listen ="))
    lines[index] = f"listen = 127.0.0.1:{port}"
    ini.write_text(head + heading + "\n".join(lines))


def database(checkout, url):
    set_ini_key(checkout / "development.ini", "database", url)
