"""The two halves, each alone; and what stops a start."""

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


def test_the_frontend_alone_answers_every_page_without_database_and_tracker(
    checkout, serve, run, free_port
):
    assert run(".venv/bin/streaming-system", "schedule", "import").returncode == 0
    move(checkout, "server:frontend", free_port)
    ini = checkout / "development.ini"
    set_ini_key(ini, "database", "postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    # Nobody answers at the tracker's address.
    set_ini_key(ini, "address", "127.0.0.1:9")

    with serve(PSERVE, "development.ini#frontend", url=f"http://127.0.0.1:{free_port}") as site:
        answers = {page: site.get(page).status for page in PAGES}
        assert answers == dict.fromkeys(PAGES, 200)
        assert site.get("/nowhere").status == 404
        assert "Traceback" not in site.log
    assert not (checkout / "var/tracker.sqlite").exists()


def test_the_tracker_alone_keeps_its_prefix(checkout, serve, run, free_port):
    assert run(".venv/bin/alembic", "-c", "development.ini", "upgrade", "head").returncode == 0
    move(checkout, "server:tracker", free_port)
    url = f"http://127.0.0.1:{free_port}"

    with serve(PSERVE, "development.ini#tracker", url=url) as site:
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


def test_production_serves_both_once_it_has_a_secret_of_its_own(checkout, serve, run, free_port):
    command = (PSERVE, "production.ini")
    set_ini_key(checkout / "production.ini", "address", f"127.0.0.1:{free_port}")
    set_ini_key(checkout / "production.ini", "database", f"sqlite:///{checkout}/tracker.sqlite")
    assert run(".venv/bin/alembic", "-c", "production.ini", "upgrade", "head").returncode == 0
    example = (checkout / "config.private.json.example").read_text()
    (checkout / "config.private.json").write_text(example)

    refused = run(*command)

    assert refused.returncode == 1
    [line] = refused.stderr.strip().splitlines()
    assert "secret" in line

    (checkout / "config.private.json").write_text(
        example.replace("move me to config.private.json", "a secret of our own")
    )
    with serve(*command, url=f"http://127.0.0.1:{free_port}") as site:
        assert site.get("/").status == 200
        assert site.get("/tracker/streams.json").status == 200
        # Only development believes what an endpoint says of its address.
        site.post("/tracker/endpoint/register", secret="a secret of our own", group="lab",
                  data='{"overall_clients": 1}', REMOTE_ADDR="192.0.2.77")  # fmt: skip
        assert "192.0.2.77" not in site.text("/tracker/streams.json")


@pytest.mark.parametrize(
    ("break_it", "line"),
    [
        (
            lambda checkout: (checkout / "config.private.json").write_text('{"monitor": {}}'),
            "config.private.json: room 'monitor': the site itself uses /monitor",
        ),
        # What each of these says is asserted without a server, too.
        exhaustive(
            lambda checkout: (checkout / "config.json").write_text("{"),
            "config.json: line 1: Unexpected end of input at column 2",
        ),
        exhaustive(lambda checkout: database(checkout, "nonsense"), "sqlalchemy.url"),
        exhaustive(
            lambda checkout: database(checkout, "sqlite:////none/of/this"), "sqlalchemy.url"
        ),
        exhaustive(
            lambda checkout: database(checkout, "postgresql+psycopg://x@127.0.0.1:9/x"),
            "sqlalchemy.url",
        ),
        # Nobody has run make initdb.
        (lambda checkout: (checkout / "var").mkdir(), "make initdb"),
    ],
)
def test_what_is_broken_stops_the_start_with_one_line(checkout, run, free_port, break_it, line):
    set_ini_key(checkout / "development.ini", "address", f"127.0.0.1:{free_port}")
    break_it(checkout)

    stopped = run(PSERVE, "development.ini")

    assert stopped.returncode == 1
    [said] = stopped.stderr.strip().splitlines()
    assert line in said


def move(checkout, section, port):
    """Let a server of the ini listen elsewhere."""
    ini = checkout / "development.ini"
    head, mark, tail = ini.read_text().partition(f"[{section}]")
    lines = tail.split("\n")
    place = next(i for i, line in enumerate(lines) if line.startswith("listen ="))
    lines[place] = f"listen = 127.0.0.1:{port}"
    ini.write_text(head + mark + "\n".join(lines))


def database(checkout, url):
    set_ini_key(checkout / "development.ini", "database", url)
