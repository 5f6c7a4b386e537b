"""A PostgreSQL that takes no writes: the programs beside the workers say so in one line."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from streaming_system.cli import main


@pytest.fixture
def run(url, sql, migrate, conference, tmp_path):
    """Return a function that runs a command of ours while the database only reads."""
    migrate(url)
    with sql() as ask:
        ask(f"ALTER DATABASE {sa.make_url(url).database} SET default_transaction_read_only = on")
    ini = tmp_path / "tracker.ini"
    keys = conference | {"sqlalchemy.url": url}
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in keys.items()]
    ini.write_text("\n".join(["[app:tracker]", "use = egg:streaming-system#tracker", *lines]))

    def run(*words, **more):
        return CliRunner().invoke(main, ["-c", str(ini), *words], **more)

    return run


def test_the_watcher_goes_on_looking_and_says_so_once(run, caplog):
    result = run("tracker", "watch", "--count", "3", "--interval", "0.1")

    assert (result.exit_code, result.exception) == (0, None)
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("the database failed: cannot execute ")
    assert "read-only transaction" in line


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["tracker", "prune"], {}),
        (["admin", "create", "anna", "--password-stdin"], {"input": "correct horse battery"}),
    ],
)
def test_what_is_run_by_hand_or_a_timer_ends_with_one_line(run, words, more):
    result = run(*words, **more)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: the database: cannot execute ")
