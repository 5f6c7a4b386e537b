"""The documentation says what is there."""

import configparser
import re
import runpy

import colander
import pytest
from click.testing import CliRunner

from streaming_system import plugin
from streaming_system.cli import main
from streaming_system.config.schema import RoomConfigSchema, SiteConfigSchema
from streaming_system.plugin import open_feed
from streaming_system.plugin_host.manager import create_plugin_manager
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser
from streaming_system.tracker.ini_keys import SETTINGS
from streaming_system.tracker.models import Base


def blocks(text, language):
    """Return the code blocks of a document in one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_hook_has_a_heading(root):
    manual = (root / "docs/reference/hooks.md").read_text()
    hooks = [name for name in vars(create_plugin_manager().hook) if not name.startswith("_")]

    assert hooks
    assert [name for name in hooks if f"## `{name}(" not in manual] == []


def test_what_the_plugin_module_offers_is_in_the_manual(root):
    pages = ("how-to/parsers", "how-to/incident-plugins", "how-to/stats-sources", "reference/hooks")
    manual = "".join((root / f"docs/{page}.md").read_text() for page in pages)
    helpers = [
        name
        for name in plugin.__all__
        if name not in ("clean_str_list", "Feed", "register_parsers")
    ]

    assert [name for name in helpers if name not in manual] == []


def test_the_example_parser_reads_the_example_feed(root, tmp_path):
    manual = (root / "docs/how-to/parsers.md").read_text()
    (tmp_path / "our_conference.py").write_text(blocks(manual, "python")[0])
    feed = open_feed(blocks(manual, "json")[0].encode())

    found = select_parser(feed, load_parsers(tmp_path))
    checked, _ = parse_and_validate(feed, found)

    assert found.parser.name == "our-conference"
    [talk] = checked.talks
    assert (talk.rooms, talk.title, f"{talk.start:%H:%M}", f"{talk.end:%H:%M}") == (
        ("Aula",),
        "Welcome",
        "09:00",
        "09:45",
    )


def test_every_configuration_key_is_documented(root):
    manual = (root / "docs/reference/configuration.md").read_text()
    keys = [
        node.name for schema in (SiteConfigSchema(), RoomConfigSchema()) for node in schema.children
    ]

    assert [key for key in keys if f"`{key}`" not in manual] == []
    assert isinstance(SiteConfigSchema(), colander.Schema)


def test_schema_and_tables_of_the_configuration_are_up_to_date(root):
    module = runpy.run_path(str(root / "tools/config_reference.py"))
    manual = (root / "docs/reference/configuration.md").read_text()

    hint = "run make reference"
    assert (root / "conf/config.schema.json").read_text() == module["format_schema"](), hint
    assert module["replace_tables"](manual) == manual, hint


def test_generated_references_are_up_to_date(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "tools")
    module = runpy.run_path(str(root / "tools/reference.py"))

    for name, text in module["pages"]().items():
        assert (root / "docs/reference" / name).read_text() == text, "run make reference"


@pytest.mark.parametrize("ini", ["development.ini", "production.ini"])
def test_every_key_of_our_own_in_an_ini_is_documented(root, ini):
    manual = (root / "docs/reference/ini-keys.md").read_text()
    parser = configparser.RawConfigParser()
    parser.read(root / ini)
    keys = set(parser.defaults())
    for app in ("app:frontend", "app:tracker"):
        keys |= {key for key in parser[app] if key != "use" and not key.startswith("pyramid.")}

    assert sorted(key for key in keys if f"`{key}`" not in manual) == []


def test_every_stored_column_is_in_the_privacy_notice(root):
    manual = (root / "docs/how-to/privacy.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", manual, re.MULTILINE))

    assert sorted(rows) == sorted(Base.metadata.tables)
    for name, table in Base.metadata.tables.items():
        about, columns, retention = (cell.strip() for cell in rows[name].split("|"))
        assert about, name
        assert retention, name
        described = dict(re.findall(r"`(\w+)`: ([^;]+)", columns))
        assert sorted(described) == sorted(column.name for column in table.columns), name


def test_privacy_notice_has_the_descriptions_of_the_models(root):
    module = runpy.run_path(str(root / "tools/privacy_tables.py"))
    manual = (root / "docs/how-to/privacy.md").read_text()

    assert module["format_tables"](Base.metadata) in manual


def test_retention_settings_in_the_privacy_notice_exist(root):
    manual = (root / "docs/how-to/privacy.md").read_text()
    names = set(re.findall(r"`(retention\.\w+)`", manual))

    assert names <= set(SETTINGS)
    assert len(names) == 4


def test_links_between_documents_lead_somewhere(root):
    documents = [*root.glob("*.md"), *root.glob("*/*.md"), *root.glob("docs/*/*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        if ".venv" not in document.parts
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]

    assert broken == []


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_anchors_of_links_between_documents_exist(root):
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md")]
    broken = [
        f"{document.name}: {target}#{anchor}"
        for document in documents
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text())
        if anchor not in anchors((document.parent / (target or document.name)).read_text())
    ]

    assert broken == []


def test_every_decision_is_in_the_index(root):
    text = (root / "docs/explanation/decisions.md").read_text()
    index, *topics = re.split(r"^## (?!Index)", text, flags=re.MULTILINE)
    decisions = re.findall(r"^### (.*)\n\n(.*)$", "".join(topics), re.MULTILINE)

    assert re.findall(r"^- \[(.*)\]\(#", index, re.MULTILINE) == [title for title, _ in decisions]
    for title, status in decisions:
        assert re.match(r"\d{4}-\d\d-\d\d · (accepted|superseded by)", status), title


def test_make_targets_in_the_documents_exist(root):
    makefile = (root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z -]+):(?!=)", makefile, re.MULTILINE))
    names = {name for line in targets for name in line.split()}
    named_targets = set()
    for document in [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md")]:
        named_targets |= set(
            re.findall(r"(?:^|`| )make ([a-z]+)", document.read_text(), re.MULTILINE)
        )

    assert {"testserve", "test"} <= named_targets
    assert (
        named_targets & {"testserve", "test", "distclean", "migrate", "lint", "lock"} - names
        == set()
    )


def test_commands_in_the_readme_exist(root):
    text = (root / "README.md").read_text()
    for command in set(re.findall(r"streaming-system ((?:[a-z]+ ?)+)", text)):
        result = CliRunner().invoke(main, [*command.split(), "--help"])

        assert result.exit_code == 0, command


def test_the_readme_gives_the_two_commands_first(root):
    [first, *_] = blocks((root / "README.md").read_text(), "sh")

    assert [line.split("#")[0].strip() for line in first.splitlines()] == [
        "make testserve",
        "make test",
    ]
