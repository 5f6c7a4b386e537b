"""Loading plugins, and selecting the parser of a feed."""

import re
from datetime import UTC, datetime

import pytest

from streaming_system.plugin import API_VERSION, FeedError, open_feed
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
def write_plugin(tmp_path):
    def write_plugin(file="mine.py", name="mine", confidence=1.0, text=PLUGIN):
        (tmp_path / file).write_text(
            text.replace("{name}", name).replace("{confidence}", str(confidence))
        )
        return tmp_path

    return write_plugin


FEED = open_feed(b'{"mine": [9, 10]}')


def test_plugin_in_the_folder_is_loaded(write_plugin):
    registered = select_parser(FEED, load_parsers(write_plugin()))

    assert (registered.parser.name, registered.origin.endswith("mine.py")) == ("mine", True)
    validated, _ = parse_and_validate(FEED, registered)
    assert [talk.start for talk in validated.talks] == [
        datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (9, 10)
    ]


def test_installed_plugin_is_loaded_by_its_entry_point(write_plugin, tmp_path, monkeypatch):
    package = tmp_path / "site"
    info = package / "conf_feeds-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: conf-feeds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[streaming_system]\nconf = conf_feeds\n")
    (package / "conf_feeds.py").write_text(
        PLUGIN.replace("{name}", "conf").replace("{confidence}", "1.0")
    )
    monkeypatch.syspath_prepend(package)

    registered = load_parsers()["conf"]

    assert registered.origin == "package conf-feeds"


def test_built_in_parsers_are_loaded_in_order():
    names = list(load_parsers())

    assert {"zookeepr", "symposion", "pycon", "veyepar", "schedule.xml", "schedule.json"} <= set(
        names
    )
    assert names == sorted(names)


def test_missing_plugin_folder_is_allowed(tmp_path):
    assert load_parsers(tmp_path / "none") == load_parsers()


def test_parser_with_the_highest_confidence_is_selected(write_plugin):
    write_plugin("other.py", "other", 0.4)

    assert select_parser(FEED, load_parsers(write_plugin(confidence=0.6))).parser.name == "mine"


def test_equal_confidence_is_an_error_that_names_both_parsers(write_plugin):
    write_plugin("other.py", "other")

    with pytest.raises(FeedError) as refusal:
        select_parser(FEED, load_parsers(write_plugin()))

    assert str(refusal.value) == (
        "several parsers are equally sure of this json document: mine, other; "
        "choose one by schedule-format"
    )


def test_configured_format_overrides_confidence(write_plugin):
    write_plugin("other.py", "other", 0.4)

    assert select_parser(FEED, load_parsers(write_plugin()), "other").parser.name == "other"


def test_unknown_format_is_reported_with_the_known_ones(write_plugin):
    with pytest.raises(FeedError, match=r"there is no format called 'mime'; .* mine,"):
        select_parser(FEED, load_parsers(write_plugin()), "mime")


def test_unrecognised_feed_is_reported_with_the_tried_parsers():
    with pytest.raises(
        FeedError, match=r"no parser recognises this json document; tried: .*zookeepr"
    ):
        select_parser(open_feed(b'{"yours": []}'), load_parsers())


@pytest.mark.parametrize(
    ("feed", "closest"),
    [
        ('{"talks": [{"guid": "x", "persons": [], "recording_license": ""}]}', "schedule.json"),
        ("<timetable><event><persons/><recording/></event></timetable>", "schedule.xml"),
        ('[{"sessionId": 1, "isPlenumSession": false, "startsAt": "x"}]', "sessionize-"),
    ],
)
def test_unrecognised_feed_is_reported_with_the_closest_formats(feed, closest):
    with pytest.raises(FeedError) as error:
        select_parser(open_feed(feed.encode()), load_parsers())

    names = re.search(r"closest known formats: (.*?); to write a parser: .* new-parser NAME$",
                      str(error.value))[1]  # fmt: skip
    assert any(name.startswith(closest) for name in names.split(", ")), names


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
def test_unusable_plugin_is_named(write_plugin, text, line):
    with pytest.raises(PluginError) as refusal:
        load_parsers(write_plugin(text=text))

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
def test_plugin_with_a_former_hook_name_is_refused_with_the_new_name(write_plugin, former, name):
    plugin = f"from streaming_system.plugin import hookimpl\n\n@hookimpl\ndef {former}(): pass\n"

    with pytest.raises(PluginError) as refusal:
        load_parsers(write_plugin(text=plugin))

    assert str(refusal.value).endswith(
        f"mine.py: the hook {former!r} is now called {name!r}: rename it"
    )


@pytest.mark.parametrize(
    ("required", "reason"),
    [
        ("(99, 0)", "needs version 99.0 of the plugin API, and this program has"),
        ("(0, 9)", ": update the plugin"),
        ("'1.0'", "REQUIRED_API is '1.0'; allowed: a pair such as (1, 0)"),
        ("(1, 0, 0)", "REQUIRED_API is (1, 0, 0); allowed: a pair"),
    ],
)
def test_plugin_for_another_version_of_the_api_is_refused(write_plugin, required, reason):
    with pytest.raises(PluginError) as refusal:
        load_parsers(write_plugin(text=f"REQUIRED_API = {required}\n{PLUGIN}"))

    assert reason in str(refusal.value)


def test_plugin_for_this_version_of_the_api_is_loaded(write_plugin):
    folder = write_plugin(text=f"REQUIRED_API = {API_VERSION}\n{PLUGIN}")

    assert "mine" in load_parsers(folder)


def test_exception_of_a_parser_becomes_a_feed_error_with_its_name(write_plugin):
    folder = write_plugin(text=PLUGIN.replace("for hour in", "1 / 0\n    for hour in"))

    with pytest.raises(FeedError, match=r"the parser 'mine' \(.*mine\.py\) failed: ZeroDivision"):
        parse_and_validate(FEED, load_parsers(folder)["mine"])


def test_exception_of_recognise_does_not_affect_other_parsers(write_plugin):
    write_plugin("broken.py", "broken", "1 / 0")

    assert select_parser(FEED, load_parsers(write_plugin())).parser.name == "mine"
