"""Finding plugins, and choosing the one that reads a feed."""

from datetime import UTC, datetime

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.plugin_host.manager import PluginError
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

PLUGIN = """
from datetime import UTC, datetime, timedelta

from streaming_system.plugin import Parser, Talk, hookimpl


@hookimpl
def register_parsers():
    return [Parser(name="{name}", summary="a test", recognise=recognise, parse=parse)]


def recognise(feed):
    return {confidence} if isinstance(feed.json, dict) and "mine" in feed.json else 0.0


def parse(feed, context):
    for hour in feed.json["mine"]:
        start = datetime(2026, 11, 24, hour, tzinfo=UTC)
        yield Talk(rooms=("Hall",), start=start, end=start + timedelta(hours=1), title="Mine")
"""


@pytest.fixture
def drop(tmp_path):
    def drop(file="mine.py", name="mine", confidence=1.0, text=PLUGIN):
        (tmp_path / file).write_text(
            text.replace("{name}", name).replace("{confidence}", str(confidence))
        )
        return tmp_path

    return drop


MINE = open_feed(b'{"mine": [9, 10]}')


def test_a_file_dropped_into_the_folder_is_found_without_installing(drop):
    found = select_parser(MINE, load_parsers(drop()))

    assert (found.parser.name, found.origin.endswith("mine.py")) == ("mine", True)
    checked, _ = parse_and_validate(MINE, found)
    assert [talk.start for talk in checked.talks] == [
        datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (9, 10)
    ]


def test_an_installed_package_is_found_by_its_entry_point(drop, tmp_path, monkeypatch):
    package = tmp_path / "site"
    info = package / "conf_feeds-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: conf-feeds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[streaming_system]\nconf = conf_feeds\n")
    (package / "conf_feeds.py").write_text(
        PLUGIN.replace("{name}", "conf").replace("{confidence}", "1.0")
    )
    monkeypatch.syspath_prepend(package)

    found = load_parsers()["conf"]

    assert found.origin == "package conf-feeds"


def test_the_built_in_parsers_are_found_and_come_in_order():
    names = list(load_parsers())

    assert {"zookeepr", "symposion", "pycon", "veyepar", "schedule.xml", "schedule.json"} <= set(
        names
    )
    assert names == sorted(names)


def test_a_folder_that_does_not_exist_holds_no_plugin(tmp_path):
    assert load_parsers(tmp_path / "none") == load_parsers()


def test_the_surest_parser_reads_the_feed(drop):
    drop("other.py", "other", 0.4)

    assert select_parser(MINE, load_parsers(drop(confidence=0.6))).parser.name == "mine"


def test_a_tie_is_an_error_that_names_both(drop):
    drop("other.py", "other")

    with pytest.raises(FeedError) as refusal:
        select_parser(MINE, load_parsers(drop()))

    assert str(refusal.value) == (
        "several parsers are equally sure of this json document: mine, other; "
        "choose one by schedule-format"
    )


def test_the_configured_format_always_wins(drop):
    drop("other.py", "other", 0.4)

    assert select_parser(MINE, load_parsers(drop()), "other").parser.name == "other"


def test_a_format_that_does_not_exist_is_said_with_those_that_do(drop):
    with pytest.raises(FeedError, match=r"there is no format called 'mime'; .* mine,"):
        select_parser(MINE, load_parsers(drop()), "mime")


def test_a_feed_that_nobody_recognises_is_said_with_what_was_tried():
    with pytest.raises(
        FeedError, match=r"no parser recognises this json document; tried: .*zookeepr"
    ):
        select_parser(open_feed(b'{"yours": []}'), load_parsers())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("syntax error(", "mine.py: SyntaxError: "),
        ("import nothing_like_it", "mine.py: ModuleNotFoundError: No module named"),
        (PLUGIN.replace("def register_parsers()", "def register_parser()"), "unknown hook"),
        (PLUGIN.replace("return [Parser(", "return [dict("), "must return a list of Parser"),
        (PLUGIN.replace("return [", "raise ValueError('no')\n    return ["), "ValueError: no"),
        (
            PLUGIN.replace("{name}", "zookeepr"),
            "offers a parser called 'zookeepr', as does built in",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(drop, text, line):
    with pytest.raises(PluginError) as refusal:
        load_parsers(drop(text=text))

    assert "mine.py" in str(refusal.value)
    assert line in str(refusal.value)


@pytest.mark.parametrize(
    ("former", "name"),
    [
        ("event_filter", "filter_talk"),
        ("event_enrich", "enrich_talk"),
        ("notify", "schedule_changed"),
        ("notify_incident", "incident_changed"),
        ("encoder_sources", "register_stats_sources"),
    ],
)
def test_plugin_with_a_former_hook_name_is_refused_with_the_new_name(drop, former, name):
    plugin = f"from streaming_system.plugin import hookimpl\n\n@hookimpl\ndef {former}(): pass\n"

    with pytest.raises(PluginError) as refusal:
        load_parsers(drop(text=plugin))

    assert str(refusal.value).endswith(
        f"mine.py: the hook {former!r} is now called {name!r}: rename it"
    )


def test_a_parser_that_raises_is_named_and_ends_as_a_feed_error(drop):
    folder = drop(text=PLUGIN.replace("for hour in", "1 / 0\n    for hour in"))

    with pytest.raises(FeedError, match=r"the parser 'mine' \(.*mine\.py\) failed: ZeroDivision"):
        parse_and_validate(MINE, load_parsers(folder)["mine"])


def test_a_parser_that_fails_to_look_does_not_keep_the_others_from_it(drop):
    drop("broken.py", "broken", "1 / 0")

    assert select_parser(MINE, load_parsers(drop())).parser.name == "mine"
