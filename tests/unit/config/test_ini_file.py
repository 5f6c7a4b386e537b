"""The keys of ini files."""

import re

import pytest

from streaming_system.cli.common import feed_options
from streaming_system.config import ConfigError
from streaming_system.config.ini_file import (
    check_ini_keys,
    load_ini,
    require_valid_ini,
)
from streaming_system.config.ini_keys import COMMON_KEYS, FRONTEND_KEYS
from streaming_system.tracker.ini_keys import ini_keys

KNOWN = {*COMMON_KEYS, *FRONTEND_KEYS, *ini_keys()}


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_our_own_ini_files_have_known_keys_only(root, name):
    apps = {"frontend": FRONTEND_KEYS, "tracker": ini_keys()}

    assert check_ini_keys(load_ini(root / name), apps, is_complete=True) == []


def test_every_key_that_the_code_reads_is_known(root):
    """A key that the code reads but the checks do not know would stop every site that sets it."""
    reads = re.compile(
        r'(?:settings\.get\(|require\(settings, |settings\[|^SETTING = )"([a-z_]+(?:\.[a-z_]+)+)"',
        re.MULTILINE,
    )
    text = "".join(
        path.read_text()
        for path in (root / "src/streaming_system").rglob("*.py")
        if "agent" not in path.parts
    )
    keys = {key for key in reads.findall(text) if not key.startswith(("sqlalchemy.", "pyramid."))}

    assert {"schedule.file", "region.header", "outbound.allowed_private_networks"} <= keys
    assert keys - KNOWN == set()


def test_described_defaults_of_feeds_are_those_of_the_import():
    described = {key: COMMON_KEYS[key].default for key in COMMON_KEYS if key.startswith("feed.")}

    assert len(described) == 4
    assert feed_options(described) == feed_options({})


def test_key_of_ones_own_is_allowed_where_a_value_refers_to_it(tmp_path):
    ini = tmp_path / "site.ini"
    ini.write_text(
        "[DEFAULT]\nhost = live.example.org\nunused = 1\n"
        "[app:frontend]\nuse = egg:streaming-system#frontend\npyramid.x = 1\nplugin.mine = 2\n"
        "tracker.url = https://%(host)s/tracker\n"
    )

    [finding] = check_ini_keys(load_ini(ini), {"frontend": FRONTEND_KEYS}, is_complete=True)

    assert str(finding) == (
        f"{ini}:3:1: [DEFAULT]: key 'unused': unknown key; "
        "docs/reference/ini-keys.md lists the keys"
    )


def test_app_stops_at_its_own_errors_only(tmp_path):
    ini = tmp_path / "site.ini"
    ini.write_text(
        "[DEFAULT]\nlimit.logins = 5/minute\naccess_logs = true\n"
        "[app:frontend]\nuse = egg:streaming-system#frontend\nbrand.foldr = x\n"
        "[app:tracker]\nuse = egg:streaming-system#tracker\nlogdirr = x\n"
    )

    with pytest.raises(ConfigError) as error:
        require_valid_ini({"__file__": str(ini)}, "frontend", FRONTEND_KEYS)

    assert [line.partition(": ")[2] for line in error.value.lines] == [
        "[DEFAULT]: key 'access_logs': unknown key; did you mean 'access_log'? "
        "docs/reference/ini-keys.md lists the keys",
        "[app:frontend]: key 'brand.foldr': unknown key; did you mean 'brand.folder'? "
        "docs/reference/ini-keys.md lists the keys",
    ]
    require_valid_ini({}, "frontend", FRONTEND_KEYS)
