"""The scaffold and the conformance checks of parser plugins."""

import shutil
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner

from streaming_system.cli import main


@pytest.fixture
def site(root, tmp_path):
    for name in ("development.ini", "config.json", "config.private.json.example"):
        shutil.copy(root / name, tmp_path)
    return tmp_path


@pytest.fixture
def run(site):
    def run(*arguments):
        return CliRunner().invoke(
            main, ["-c", str(site / "development.ini"), "schedule", *arguments]
        )

    return run


@pytest.fixture
def plugin(site, run):
    """A plugin from the scaffold."""
    assert run("new-parser", "our_event").exit_code == 0
    return site / "plugins" / "our_event.py"


def test_scaffold_passes_the_conformance_checks(run, plugin):
    result = run("check-plugin", str(plugin))

    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 6


def test_scaffold_passes_its_own_test(plugin):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", plugin.parent]

    assert b"1 passed" in subprocess.run(command, capture_output=True, check=True).stdout


def test_scaffold_is_a_package_that_pip_can_install(run, plugin, tmp_path):
    """pip needs neither an index nor the checkout; a second plugin joins the package."""
    assert run("new-parser", "other_event").exit_code == 0
    target = tmp_path / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
               "--no-build-isolation", "--target", target, plugin.parent]  # fmt: skip
    subprocess.run(command, check=True)

    project = tomllib.loads((plugin.parent / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["test"] == ["pytest"]
    [information] = target.glob("streaming_system_our_event-*.dist-info")
    assert (information / "entry_points.txt").read_text().split() == [
        "[streaming_system]", "other-event", "=", "other_event", "our-event", "=", "our_event",
    ]  # fmt: skip
    assert {path.name for path in target.glob("*.py")} == {"our_event.py", "other_event.py"}


def test_foreign_project_file_stays_as_it_is(run, plugin):
    project = plugin.with_name("pyproject.toml")
    project.write_text('[project]\nname = "mine"\n')

    result = run("new-parser", "other_event")

    assert result.exit_code == 0
    assert f"{project} has another form; add the entry point yourself" in result.stdout
    assert project.read_text() == '[project]\nname = "mine"\n'


class InstalledPlugin:
    """A plugin of a package, on the path of this process; its module needs the package."""

    def __init__(self, folder, plugin):
        package = folder / "our_package"
        package.mkdir()
        code = plugin.read_text().replace(
            "from streaming_system", "from .names import FORMAT\nfrom streaming_system", 1
        )
        self.path = package / "our_event.py"
        self.path.write_text(code.replace('name="our-event"', "name=FORMAT"))
        shutil.copy(plugin.with_name("our_event.sample.json"), package)
        (package / "__init__.py").write_text("")
        (package / "names.py").write_text('FORMAT = "our-event"\n')
        information = folder / "our_package-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: our-package\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[streaming_system]\nours = our_package.our_event\n"
        )


@pytest.fixture
def installed(plugin, tmp_path, monkeypatch):
    folder = tmp_path / "installed"
    folder.mkdir()
    result = InstalledPlugin(folder, plugin)
    monkeypatch.syspath_prepend(folder)
    yield result
    for name in [name for name in sys.modules if name.startswith("our_package")]:
        del sys.modules[name]


def test_check_accepts_the_file_of_an_installed_plugin(run, installed):
    result = run("check-plugin", str(installed.path))

    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 6


@pytest.mark.exhaustive
def test_check_compares_a_new_version_with_others_and_not_with_the_installed_one(
    run, installed, plugin
):
    result = run("check-plugin", str(plugin))

    assert result.exit_code == 0, result.output
    # The site itself would load both.
    result = run("formats")
    assert "offers a parser called 'our-event', as does package our-package" in result.stderr


def test_check_accepts_entries_that_the_parser_skips(run, plugin):
    code = plugin.read_text()
    plugin.write_text(
        code.replace("    parse_duration,", "    parse_duration,\n    SkipEntryError,").replace(
            "        start = context",
            '        if item["title"] == "Workshop":\n'
            '            raise SkipEntryError("no-room")\n'
            "        start = context",
        )
    )

    result = run("check-plugin", str(plugin))

    assert result.exit_code == 0, result.output


def test_check_accepts_a_plugin_without_a_parser(run, plugin):
    plugin.write_text(
        "from streaming_system.plugin import hookimpl\n"
        "@hookimpl\ndef filter_talk(talk):\n    return None\n"
    )

    result = run("check-plugin", str(plugin))

    assert (result.exit_code, result.stdout) == (
        0,
        "ok  it loads and implements filter_talk; it has no parser\n",
    )


def test_check_rejects_a_plugin_without_a_hook(run, plugin):
    plugin.write_text("def filter_talk(talk):\n    return None\n")

    assert "it implements no hook: is @hookimpl missing?" in run("check-plugin", str(plugin)).stdout


def test_scaffold_is_a_working_parser(run, plugin):
    result = run("check", str(plugin.with_name("our_event.sample.json")))

    assert result.exit_code == 0
    assert "our-event: 2 of 2 entries" in result.stdout
    assert "our-event " in run("formats").stdout


def test_scaffold_overwrites_no_file(run, plugin):
    plugin.write_text("mine")

    result = run("new-parser", "our_event")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "our_event.py is there already; choose another name" in result.stderr
    assert plugin.read_text() == "mine"


@pytest.mark.parametrize("name", ["Our Event", "../x", "1st", "test_it", "é", "x" * 50])
def test_scaffold_refuses_invalid_module_names(run, site, name):
    result = run("new-parser", name)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert not (site / "plugins").exists()


@pytest.mark.parametrize(
    ("original", "replacement", "failure"),
    [
        ("def parse(", "def parse(:", "SyntaxError"),
        ('name="our-event"', 'name="zookeepr"', "offers a parser called 'zookeepr'"),
        ("return 1.0 if", "return 0.0 if", "is recognised as nothing"),
        ("return 1.0 if", "return 1.0 if True or", "recognises b'[]'"),
        ('title=clean_str(item["title"])', "title=item.title", "item 1: bad-value"),
        ('clean_str_list(item["room"])', "()", "item 1: no-room"),
        (
            "title=clean_str(",
            "guid=str(__import__('os').getpid()), title=clean_str(",
            "differ",
        ),
        (
            "    def parse_item(",
            "    len(feed.json['our-event-talks'][1])\n    def parse_item(",
            "failed",
        ),
    ],
)
def test_check_finds_a_defective_plugin(run, plugin, original, replacement, failure):
    code = plugin.read_text()
    assert original in code
    plugin.write_text(code.replace(original, replacement))

    result = run("check-plugin", str(plugin))

    assert result.exit_code == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("FAILED  ")
    assert failure in last


def test_check_accepts_a_feed_without_offsets(run, plugin):
    sample = plugin.with_name("our_event.sample.json")
    sample.write_text(sample.read_text().replace("+01:00", ""))

    assert run("check-plugin", str(plugin)).exit_code == 0


def test_check_requires_a_sample(run, plugin):
    plugin.with_name("our_event.sample.json").unlink()

    assert "there is no sample: put a small feed into our_event.sample.json" in (
        run("check-plugin", str(plugin)).stdout
    )
