"""Secrets: compared in constant time, and never said, whatever goes wrong."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from functional.agent.servers import free_port
from functional.proxy.site import NAME

from streaming_system.cli import main

from .conftest import PASSWORD, SECRET, WEBHOOK

SOURCES = Path(__file__).parents[2] / "src/streaming_system"
# What is worth guessing byte by byte.
GUESSABLE = re.compile(r"secret|token|passw|digest|signature|\bmac\b|hash|csrf|ours|given")
# Comparisons by == of what is no secret, or not with what a stranger says; each with its reason.
HARMLESS = {
    "agent/source_registry.py: option.kind == 'secret'": "a kind of option",
    "agent/logs/checkpoint.py: digest(file.read(self.head_size, 0)) == self.head": (
        "a log's beginning"
    ),
    "frontend/views/sharing.py: asked.netloc == ours.netloc": "names of hosts",
    "schedule_import/mirror.py: told != digest(document)": "a checksum of what everybody may have",
    "tracker/crew/crew.py: token.scope == 'endpoint'": "what a token is for",
    "tracker/crew/crew.py: token.scope == 'room'": "what a token is for",
    "tracker/crew/accounts.py: account.password_hash != proven": "both are ours",
    "tracker/crew/logins.py: Account.password_hash == login.password_hash": "both are ours",
    "tracker/ingest/bulk.py: table.c[key] == given.c[of_key]": "keys of rows",
    "tracker/crew/tokens.py: Token.hash == _hash(text)": "a hash of what is shown: nobody who "
    "learns how much of it is right can choose the next",
    "tracker/crew/tokens.py: Token.id == id": "a number",
    "tracker/settings.py: secret == config.EXAMPLE_SECRET": "at the start, with a public word",
    "tracker/views/admin/pages.py: typed['password'] != typed['again']": "typed twice, by one",
}


def comparisons(path):
    """Return the comparisons by == of a module that are about anything guessable."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare) and any(
            isinstance(how, ast.Eq | ast.NotEq) for how in node.ops
        ):
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            text = ast.unparse(node)
            if any(GUESSABLE.search(side.lower()) for side in sides):
                yield f"{path.relative_to(SOURCES)}: {text}"


def test_nothing_guessable_is_compared_by_equality():
    found = {text for path in SOURCES.rglob("*.py") for text in comparisons(path)}

    assert found == set(HARMLESS)


def test_what_strangers_say_is_compared_in_constant_time():
    calls = {
        f"{path.relative_to(SOURCES)}"
        for path in SOURCES.rglob("*.py")
        if "hmac.compare_digest(" in path.read_text(encoding="utf-8")
    }

    assert calls == {"tracker/legacy/form.py", "tracker/legacy/player_report.py"}


@pytest.mark.parametrize(
    "secret",
    ["", SECRET[:-1], SECRET + "x", SECRET.upper(), f" {SECRET}", f"{SECRET}\0", SECRET[::-1],
     "\N{LATIN SMALL LETTER E WITH ACUTE}" * 9, "\ud800".encode("utf-8", "surrogatepass")],
)  # fmt: skip
def test_only_the_whole_secret_is_taken(target, secret):
    answer = target.request(
        "POST", "/tracker/endpoint/register",
        fields={"secret": secret, "group": "hall", "data": "{}"}, encode_multipart=False,
    )  # fmt: skip

    assert answer.status in (400, 403)
    assert answer.data.startswith(b"ERROR")


@pytest.fixture
def broken(target):
    """The site while its database is rubbish, and its schedule, too."""
    var, away = target.folder / "var", target.folder / "away"
    away.mkdir()
    for path in var.glob("tracker.sqlite*"):
        path.rename(away / path.name)
    (var / "tracker.sqlite").write_bytes(b"rubbish" * 1000)
    (var / "schedule.json").write_text("{rubbish")
    yield target
    for path in (*var.glob("tracker.sqlite*"), var / "schedule.json"):
        path.unlink()
    for path in away.iterdir():
        path.rename(var / path.name)
    away.rmdir()


def asked(target, token):
    """Ask for everything that could go wrong, with all secrets at hand; return the answers."""
    bearer = {"Authorization": f"Bearer {token}"}
    form = {"secret": SECRET, "group": "hall", "data": "{"}
    api = "/tracker/api/v1"
    yield target.get("/")
    for path in ("/hall", "/nowhere", "/schedule", "/readyz", "/hall/json", "/%ff", "/static/x"):
        yield target.get(path, headers=bearer)
    for path in ("/endpoint/register", "/endpoint/logs", "/flumotion/log", "/hall/log"):
        for fields in (form, {**form, "group": "nowhere"}, {**form, "data": "\0"},
                       {**form, "secret": SECRET + "x"}, {SECRET: SECRET},
                       {**form, "data": '{"overall_clients": 1}'}):  # fmt: skip
            for multipart in (True, False):
                yield target.request(
                    "POST", f"/tracker{path}", fields=fields, encode_multipart=multipart
                )
        yield target.request(
            "POST", f"/tracker{path}", body=f"secret={SECRET}&%ff=%ff;\xff".encode("latin-1"),
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=klingon"},
        )  # fmt: skip
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        for path in ("/tokens", "/annotations", "/rooms/hall/endpoints/x", "/nothing", "/tokens/9"):
            for body in (b"", b"{", b'{"label": 1}', b"\xff"):
                yield target.request(
                    method, api + path, body=body,
                    headers={**bearer, "Content-Type": "application/json"},
                )  # fmt: skip
    yield target.get(f"{api}/tokens", headers={"Authorization": f"Basic {token}"})
    page = target.get("/tracker/admin/login")
    found = re.search(rb'name="csrf_token" value="(\w+)"', page.data)
    yield target.request(
        "POST", "/tracker/admin/login", encode_multipart=False,
        fields={"name": PASSWORD, "password": PASSWORD, "csrf_token": found[1] if found else b""},
        headers={"Cookie": page.headers.get("Set-Cookie", "").split(";")[0]},
    )  # fmt: skip
    yield target.get("/tracker/streams.json")
    yield target.get("/tracker/readyz")


def test_no_answer_and_no_log_says_one(broken):
    secrets = {SECRET, PASSWORD, WEBHOOK, "t0ken-of-the-chat", broken.token}
    statuses = set()
    for answer in asked(broken, broken.token):
        statuses.add(answer.status)
        said = f"{answer.headers}\n{answer.data.decode('utf-8', 'replace')}"
        # A form that is shown again may hold the name that was typed; it is the password here.
        said = said.replace(f'name="name" value="{PASSWORD}"', "")
        assert [secret for secret in secrets if secret in said] == [], said
        assert "Traceback" not in said
        assert str(broken.folder) not in said
    # What was asked for did go wrong, in many ways.
    assert {200, 400, 403, 404, 503} <= statuses
    logs = broken.logs()

    assert "sqlite" in logs.lower() or "database" in logs.lower()
    assert [secret for secret in secrets if secret in logs] == []


DATABASE_PASSWORD = "pa55-of-the-database"


@pytest.fixture
def installed(tmp_path, root):
    """An ini of a site whose database is away; its address has a password in it."""
    ini = (root / "production.ini").read_text()
    url = f"postgresql+psycopg://streaming:{DATABASE_PASSWORD}@127.0.0.1:{free_port()}/streaming"
    ini = re.sub(r"^database = .*", f"database = {url}", ini, flags=re.MULTILINE)
    (tmp_path / "site.ini").write_text(
        ini.replace("[app:tracker]\n", f"[app:tracker]\nplugin.webhook.url = {WEBHOOK}\n")
    )
    shutil.copy(root / "config.json", tmp_path)
    (tmp_path / "config.private.json").write_text(f'{{"config": {{"secret": "{SECRET}"}}}}')
    (tmp_path / "alembic").symlink_to(root / "alembic")
    return tmp_path / "site.ini"


@pytest.mark.parametrize(
    "command",
    [
        ["streaming-system", "-c", "site.ini", "tracker", "watch", "--count", "1"],
        ["streaming-system", "-c", "site.ini", "tracker", "prune"],
        ["streaming-system", "-c", "site.ini", "tracker", "backup", "file"],
        ["streaming-system", "-c", "site.ini", "admin", "create", "ada"],
        ["streaming-system", "-c", "site.ini", "config", "check"],
        ["streaming-system", "-c", "site.ini", "schedule", "import"],
        ["alembic", "-c", "site.ini", "upgrade", "head"],
        ["pserve", "site.ini#tracker"],
    ],
    ids=lambda command: "-".join(command[:1] + command[3:5]),
)
def test_no_command_that_fails_says_one(installed, command):
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=installed.parent, text=True, capture_output=True, timeout=90,
        input=f"{PASSWORD}\n{PASSWORD}\n", check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr

    assert said.strip()
    for secret in (DATABASE_PASSWORD, SECRET, PASSWORD, "t0ken-of-the-chat"):
        assert secret not in said


def test_a_configuration_that_is_wrong_near_the_secret_does_not_quote_it(installed):
    private = installed.parent / "config.private.json"
    for text in (
        f'{{"config": {{"secret": "{SECRET}" "x": 1}}}}',
        f'{{"config": {{"secret": ["{SECRET}"]}}}}',
        f'{{"config": {{"secret": "{SECRET}", "{SECRET}": 1, "theme": 4}}}}',
    ):
        private.write_text(text)

        result = CliRunner().invoke(main, ["-c", str(installed), "config", "check"])

        assert result.exit_code == 1 or "warning" in result.output
        assert f'"{SECRET}"' not in result.output.replace(f"key '{SECRET}'", "")
    assert NAME not in result.output
