"""The JSON Schema of the configuration accepts what the loader accepts."""

import json

import jsonschema
import pytest

from streaming_system.config import ConfigError, load_conference
from streaming_system.config.json_schema import config_json_schema
from streaming_system.util.json_document import parse_json5


@pytest.fixture(scope="module")
def validator():
    schema = config_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["config.json", "config.private.json.example"])
def test_examples_are_valid_and_name_the_schema(root, validator, name):
    document = parse_json5((root / name).read_text())

    validator.validate(document)
    assert (root / document["$schema"]).is_file()


def test_configurations_of_the_manual_are_valid(root, validator):
    blocks = (root / "docs/reference/configuration.md").read_text().split("```json\n")[1:]
    documents = [json.loads(block.partition("```")[0]) for block in blocks]

    assert len(documents) == 2
    for document in documents:
        is_site = "regions" in document
        validator.validate({"config": document} if is_site else document)


def test_example_of_each_key_is_valid(validator):
    schema = config_json_schema()
    for section, definition in (("config", "site"), ("hall", "room")):
        for key, description in schema["$defs"][definition]["properties"].items():
            for example in description.get("examples", []) if key else []:
                validator.validate({section: {key: example}})


VALID = [
    {"config": {"localips": "192.0.2.0/24", "embed": "*", "regions": False, "": ""}, "": {}},
    {"default": {"youtube": False, "preview": "%(group)s.png", "logo": "", "link": "/"}},
    {"hall": {"youtube": "%(conference)s", "conference": "x", "webchat": False, "posts": False}},
    {"hall": {"fallbacks": "https://cdn.example.org/hall", "flumotion-mixer": "x"}},
    {"hall": {"posts": {"server": "https://m.example", "hashtag": "a"}, "matrix": "#a:b.c"}},
    {"hall": {"feedback": "mailto:a@b.example?subject={talk}", "chat": "https://c.example/{room}"}},
    {"config": {"schedule-columns": {"room": "Raum"}, "hls-playlist": "{room}/i.m3u8"}},
]
INVALID = [
    {"default": {"titel": "x"}},
    {"config": {"title": "x"}},
    {"config": {"reload": "600"}},
    {"config": {"reload": 86401}},
    {"config": {"groups": ["a b"]}},
    {"config": {"embed": ["https://blog.example.org/page"]}},
    {"config": {"hls-playlist": "/x.m3u8"}},
    {"config": {"regions": {"a": {"countries": ["DE"]}}}},
    {"main-hall": {}},
    {"monitor": {}},
    {"hall": 5},
    {"hall": {"title": ""}},
    {"hall": {"link": 7}},
    {"hall": {"youtube": "https://youtu.be/x"}},
    {"hall": {"recordings": "recordings"}},
    {"hall": {"fallbacks": ["https://cdn.example.org/#live"]}},
    {"hall": {"sources": [{"from": "2026-11-25"}]}},
    {"hall": {"sources": [{"youtube": "a", "url": "https://cdn.example.org/"}]}},
    {"hall": {"matrix": "ourconf:matrix.org"}},
    {"hall": {"chat": "http://chat.example/"}},
]


@pytest.mark.parametrize("document", VALID)
def test_schema_and_loader_accept(validator, tmp_path, document):
    (tmp_path / "config.json").write_text(json.dumps(document))

    validator.validate(document)
    load_conference(tmp_path / "config.json", tmp_path / "none.json")


@pytest.mark.parametrize("document", INVALID)
def test_schema_and_loader_refuse(validator, tmp_path, document):
    (tmp_path / "config.json").write_text(json.dumps(document))

    assert not validator.is_valid(document)
    with pytest.raises(ConfigError):
        load_conference(tmp_path / "config.json", tmp_path / "none.json")
