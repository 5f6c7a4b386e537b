"""A site that cannot start gets one line with what to do, and an exit status above 0."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.web import pserve


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The files of a new site, without sections of logging, which would affect other tests."""
    folder = tmp_path_factory.mktemp("site")
    result = CliRunner().invoke(main, ["init", str(folder), "--name", "Site", "--yes"])
    assert result.exit_code == 0, result.output
    ini = (folder / "development.ini").read_text().partition("[loggers]")[0]
    return {
        "site.ini": ini,
        **{name: (folder / name).read_text() for name in ("config.json", "config.private.json")},
    }


@pytest.fixture
def folder(template, tmp_path, monkeypatch):
    for name, text in template.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "brand").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def edit(folder):
    def edit(pattern, replacement, name="site.ini"):
        text = (folder / name).read_text()
        edited = re.sub(pattern, lambda _: replacement, text, count=1, flags=re.MULTILINE)
        assert edited != text
        (folder / name).write_text(edited)

    return edit


def serve(*arguments):
    """Return the only line of `streaming-system serve`, which fails."""
    result = CliRunner().invoke(main, ["-c", "site.ini", "serve", *arguments])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    [line] = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def start_pserve(capsys, *arguments):
    """Return the only line of `pserve`, which fails."""
    try:
        status = pserve.main(["pserve", "-q", *(arguments or ("site.ini",))])
    except SystemExit as error:
        # The interpreter prints a text and exits with 1.
        return error.code
    assert status == 1
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("pattern", "replacement", "hint"),
    [
        (r"^database = .*", "database = postgresql+psycopg://u:a%b@127.0.0.1/x",
         "'database'.* has a % that begins no reference such as %(here)s; write %%"),
        (r"^database = .*", "database = postgresql+psycopg://u:a@127.0.0.1:1/x",
         "Connection refused; is it running, and is the URL right?"),
        (r"^database = .*", "database = postgres//x", "allowed: sqlite:////path"),
        (r"^threads = .*", "threads = many", "threads.* 'many'; allowed: "),
        (r"^threads = .*", "thread = 4", "did you mean 'threads'?"),
        (r"^tracker.url = ", "tracker.uri = ", "unknown key; did you mean 'tracker.url'?"),
        (r"^config.public = .*", "", "lacks the key '?config.public"),
        (r"^schedule.file = .*", "", "lacks the key '?schedule.file"),
        (r"^sqlalchemy.url = .*", "", "lacks the key '?sqlalchemy.url"),
        (r"^\[server:main\]", "[server:other]", "has no section [server:main]"),
        (r"egg:rutter#urlmap", "egg:ruter#urlmap", "[composite:main]: use = egg:ruter#urlmap "),
        (r"#tracker", "#tracer", "[app:tracker]: use = egg:streaming-system#tracer "),
        (r"^/tracker = tracker", "/tracker = tracer", "has no section [app:tracer]; did you mean"),
        (r"^# ", "\ufeff# ", "begins with a byte order mark; save it as UTF-8 without one"),
        (r"^address = .*", "address = a\naddress = b", "'address'.* is there twice; remove one"),
    ],
)  # fmt: skip
def test_wrong_ini_file(edit, capsys, pattern, replacement, hint):
    edit(pattern, replacement)
    expected = re.escape(hint).replace(r"\.\*", ".*").replace(r"'\?", "'?")

    assert re.search(expected, serve())
    assert re.search(expected, start_pserve(capsys))


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("site.ini", None, "there is no such file; name the ini file"),
        ("site.ini", "folder", "Is a directory"),
        ("site.ini", "[DEFAULT]\n# Zürich\n".encode("latin-1"), "is not UTF-8 (byte 13)"),
        ("site.ini", "[DEFAULT]".encode("utf-16"), "is not UTF-8 (byte 0); save it in"),
        ("config.json", None, "config.json"),
        ("config.json", "folder", "cannot be read: Is a directory"),
        ("config.json", b"{", "config.json:1:1: the '{' that begins here is not closed"),
        ("config.private.json", b"\xff", "is not UTF-8"),
        ("var", b"", "Not a directory"),
    ],
)
def test_wrong_file(folder, capsys, name, content, hint):
    path = folder / name
    path.unlink(missing_ok=True)
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)

    assert hint in serve()
    assert hint in start_pserve(capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        ("streaming_system.cli", "-c", "site.ini", "serve"),
        ("streaming_system.web.pserve", "-q", "site.ini"),
    ],
)
def test_unreadable_file(folder, arguments):
    (folder / "config.json").chmod(0)
    # Root without its capabilities reads files as any other user does.
    prefix = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()

    command = [*prefix, sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert "config.json: cannot be read: Permission denied" in line


def test_wrong_name_of_an_app(folder, capsys):
    line = start_pserve(capsys, "site.ini#frontent")

    assert line.endswith("did you mean 'frontend'? allowed: frontend, main, tracker")


def test_address_in_use(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        assert serve("--listen", address) == (
            f"{address} cannot be used: Address already in use; choose another address with "
            "--listen HOST:PORT"
        )


def test_missing_driver_of_postgresql(edit, capsys, monkeypatch):
    edit(r"^database = .*", "database = postgresql+psycopg://u:a@127.0.0.1:1/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)

    hint = "is not installed; run pip install 'streaming-system[postgresql]'"
    assert serve().endswith(hint)
    assert start_pserve(capsys).endswith(hint)


def test_database_that_is_missing(folder, capsys):
    assert start_pserve(capsys).endswith("run make initdb, or streaming-system tracker migrate")


def test_database_that_is_none(folder, capsys):
    (folder / "var").mkdir()
    (folder / "var/tracker.sqlite").write_text("This is a text, not a database.\n" * 40)

    hint = "file is not a database; name an SQLite file that this user may write to"
    assert hint in serve()
    assert hint in start_pserve(capsys)


def test_database_of_a_newer_version(folder, root):
    arguments = ["-c", "site.ini", "tracker", "migrate"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    with closing(sqlite3.connect("var/tracker.sqlite")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    line = (
        "the database is at revision ffffffffffff, which this version does not know; install the "
        "version that wrote it, or restore a backup into an empty database"
    )

    assert serve() == line
    # `make testserve` and `make migrate`.
    with (folder / "site.ini").open("a") as ini:
        ini.write(f"[alembic]\nscript_location = {root}/alembic\npath_separator = os\n")
    command = [sys.executable, "-m", "alembic", "-c", "site.ini", "upgrade", "head"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{line}\n")


def test_wrong_logging(edit, folder):
    with (folder / "site.ini").open("a") as ini:
        ini.write("[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n")
        ini.write("[logger_root]\nlevel = LOUD\nhandlers =\n")

    command = [sys.executable, "-m", "streaming_system.web.pserve", "-q", "site.ini"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (
        1,
        "site.ini: the sections of logging are wrong: Unknown level: 'LOUD'; correct [loggers], "
        "[handlers], [formatters] and the sections that they name\n",
    )
