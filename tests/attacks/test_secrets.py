"""Secrets are compared in constant time, and are in no response, log or output."""

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
# Names of values that could be guessed byte by byte.
GUESSABLE = re.compile(r"secret|token|passw|digest|signature|\bmac\b|hash|csrf")
# Comparisons by == that reveal no secret, with the reason.
HARMLESS = {
    "agent/liveness.py: digest != self._digest": "a checksum of public data",
    "tracker/ingest/endpoint_bounds.py: _endpoint.c.token_id == token": "a number",
    "agent/logs/checkpoint.py: head_digest(file.read_at(0, self.head_size)) == self.head": (
        "the beginning of a log"
    ),
    "agent/legacy_tracker_client.py: code == 'SECRET'": "the code of a refusal",
    "agent/source_registry.py: option.kind == 'secret'": "the kind of an option",
    "schedule_import/mirror.py: digest != repr_digest(document)": "a checksum of public data",
    "tracker/reminders/subscriptions.py: PushSubscription.url_hash == url_hash": (
        "a look-up by the hash of a URL"
    ),
    "tracker/views/admin/pages.py: token.scope != 'captions'": "the scope of a token",
    "util/file_watch.py: _digest(file) != self._digests.get(file)": "checksums of files",
    "tracker/crew/accounts.py: account.password_hash != verified_hash": "two stored hashes",
    "tracker/crew/crew.py: token.scope == 'captions'": "the scope of a token",
    "tracker/crew/crew.py: token.scope == 'endpoint'": "the scope of a token",
    "tracker/crew/crew.py: token.scope == 'publish'": "the scope of a token",
    "tracker/crew/crew.py: token.scope == 'room'": "the scope of a token",
    "tracker/crew/logins.py: Account.password_hash == login.password_hash": "two stored hashes",
    "tracker/crew/tokens.py: Token.hash == _hash_token(text)": (
        "hashes: a matching prefix does not help to guess the token"
    ),
    "tracker/crew/tokens.py: Token.id == token_id": "a number",
    "tracker/crew/tokens.py: len(text) == TOKEN_CHARS": "a length",
    "tracker/schemas/crew.py: (token[name] is not None) != (token['scope'] in scopes)": (
        "the scope of a token"
    ),
    "tracker/crew/second_factor.py: len(text) == SECRET_CHARS": "a length",
    "tracker/crew/second_factor.py: RecoveryCode.hash == _hash_recovery_code(code)": (
        "SQL: the hash of a random text is looked up"
    ),
    "tracker/settings.py: secret == config.EXAMPLE_SECRET": "a public value, at the start",
    "tracker/views/admin/pages.py: submitted['password'] != submitted['again']": (
        "two inputs of the same client"
    ),
}


def comparisons(path):
    """Yield the comparisons by == and != of guessable values in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare) and any(
            isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops
        ):
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            text = ast.unparse(node)
            if any(GUESSABLE.search(side.lower()) for side in sides):
                yield f"{path.relative_to(SOURCES)}: {text}"


def test_secrets_are_not_compared_by_equality():
    comparisons_found = {text for path in SOURCES.rglob("*.py") for text in comparisons(path)}

    assert comparisons_found == set(HARMLESS)


def test_secrets_are_compared_in_constant_time():
    calls = {
        f"{path.relative_to(SOURCES)}"
        for path in SOURCES.rglob("*.py")
        if "hmac.compare_digest(" in path.read_text(encoding="utf-8")
    }

    assert calls == {
        "tracker/legacy/form.py",
        "tracker/legacy/player_report.py",
        "tracker/publishing/hook_secrets.py",
        "tracker/publishing/stream_keys.py",
    }


@pytest.mark.parametrize(
    "secret",
    ["", SECRET[:-1], SECRET + "x", SECRET.upper(), f" {SECRET}", f"{SECRET}\0", SECRET[::-1],
     "\N{LATIN SMALL LETTER E WITH ACUTE}" * 9, "\ud800".encode("utf-8", "surrogatepass")],
)  # fmt: skip
def test_only_the_exact_secret_is_accepted(target, secret):
    response = target.request(
        "POST", "/tracker/endpoint/register",
        fields={"secret": secret, "group": "hall", "data": "{}"}, encode_multipart=False,
    )  # fmt: skip

    assert response.status == 200
    assert response.data.startswith((b"ERROR SECRET", b"ERROR FORM"))


@pytest.fixture
def broken(target):
    """The site with a corrupt database and a corrupt schedule."""
    var, backup = target.folder / "var", target.folder / "backup"
    backup.mkdir()
    for path in var.glob("tracker.sqlite*"):
        path.rename(backup / path.name)
    (var / "tracker.sqlite").write_bytes(b"garbage" * 1000)
    (var / "schedule.json").write_text("{garbage")
    yield target
    for path in (*var.glob("tracker.sqlite*"), var / "schedule.json"):
        path.unlink()
    for path in backup.iterdir():
        path.rename(var / path.name)
    backup.rmdir()


def failing_requests(target, token):
    """Send requests with secrets that fail in many ways; yield the responses."""
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
    for server in ("nginx-rtmp", "mediamtx", "srs", "icecast", "ovenmediaengine/1", "other"):
        for body in (f"call=publish&name=hall&key={SECRET}", f'{{"token": "{SECRET}"}}', "\xff"):
            yield target.request(
                "POST",
                f"/tracker/endpoint/publish/{server}",
                body=body.encode("latin-1"),
                headers=bearer,
            )
    page = target.get("/tracker/admin/login")
    match = re.search(rb'name="csrf_token" value="(\w+)"', page.data)
    yield target.request(
        "POST", "/tracker/admin/login", encode_multipart=False,
        fields={"name": PASSWORD, "password": PASSWORD, "csrf_token": match[1] if match else b""},
        headers={"Cookie": page.headers.get("Set-Cookie", "").split(";")[0]},
    )  # fmt: skip
    yield target.get("/tracker/streams.json")
    yield target.get("/tracker/readyz")


def test_responses_and_logs_contain_no_secret(broken):
    secrets = {SECRET, PASSWORD, WEBHOOK, "t0ken-of-the-chat", broken.token}
    statuses, codes = set(), set()
    for response in failing_requests(broken, broken.token):
        statuses.add(response.status)
        codes.update(re.findall(rb"\AERROR ([A-Z]+)", response.data))
        text = f"{response.headers}\n{response.data.decode('utf-8', 'replace')}"
        # A form repeats the submitted name, which is the password here.
        text = text.replace(f'name="name" value="{PASSWORD}"', "")
        assert [secret for secret in secrets if secret in text] == [], text
        assert "Traceback" not in text
        assert str(broken.folder) not in text
    # The requests have failed in many ways.
    assert {200, 400, 404, 503} <= statuses
    assert {b"SECRET", b"GROUP", b"DATA", b"FORM", b"IDENTIFIER"} <= codes
    logs = broken.logs()

    assert "sqlite" in logs.lower() or "database" in logs.lower()
    assert [secret for secret in secrets if secret in logs] == []


DATABASE_PASSWORD = "pa55-of-the-database"


@pytest.fixture
def installed(tmp_path, root):
    """The ini of a site whose database is unreachable; its URL contains a password."""
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
def test_failing_commands_print_no_secret(installed, command):
    program = Path(sys.executable).with_name(command[0])
    result = subprocess.run(
        [program, *command[1:]], cwd=installed.parent, text=True, capture_output=True, timeout=90,
        input=f"{PASSWORD}\n{PASSWORD}\n", check=False,
    )  # fmt: skip
    output = result.stdout + result.stderr

    assert output.strip()
    for secret in (DATABASE_PASSWORD, SECRET, PASSWORD, "t0ken-of-the-chat"):
        assert secret not in output


def test_error_in_the_configuration_does_not_quote_the_secret(installed):
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
