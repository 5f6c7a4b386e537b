"""The syntax of JSON5: where members are, and what is wrong with a broken document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_system.util.json_document import parse_json5
from streaming_system.util.json_syntax import JsonSyntaxError, Position, member_positions

DOCUMENT = r"""// {"not": "this"}
{
  config: {"secret": "a\"b", /* "x": 1, */ 'reload': +6e2},
  "hall": {
    "fallbacks": ["group:lab",
                  "https://cdn.example/"],
    "sources": [{"from": "x",}],
  },
  "": {}, "": {},
}
"""


def test_positions_are_those_of_keys_and_items():
    positions = member_positions(DOCUMENT)

    assert {path: (place.line, place.column) for path, place in positions.items()} == {
        ("config",): (3, 3),
        ("config", "secret"): (3, 12),
        ("config", "reload"): (3, 44),
        ("hall",): (4, 3),
        ("hall", "fallbacks"): (5, 5),
        ("hall", "fallbacks", 0): (5, 19),
        ("hall", "fallbacks", 1): (6, 19),
        ("hall", "sources"): (7, 5),
        ("hall", "sources", 0): (7, 17),
        ("hall", "sources", 0, "from"): (7, 18),
        ("",): (9, 11),
    }


NO_VALUE = (
    "a value is missing here; write texts in quotes, and true, false, null and numbers without"
)


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ('{"a": 1\n\n  "b": 2}', (1, 8), "a comma is missing after this value"),
        ('{"a": [1\n2]}', (1, 9), "a comma is missing after this value"),
        ('{"a": {}\n// note\n"b": 2}', (1, 9), "a comma is missing after this value"),
        ('{"a": "x" "b": 2}', (1, 10), "a comma is missing after this value"),
        ('{"a"\n"b": 2}', (1, 5), "a colon is missing after this key"),
        ('{"a": "x,\n"b": 2}', (1, 7), "the text that begins here has no closing quote"),
        ("{'a: 2}", (1, 2), "the text that begins here has no closing quote"),
        ('{"a": ["x"}', (1, 11), "'}' does not close the '[' of line 1"),
        ('{"a": 1,\n"b": {"c": 2,\n}', (1, 1), "the '{' that begins here is not closed"),
        ('{"a": 1}\n}', (2, 1),
         "the document has ended before this; one closing bracket is too many"),
        ('{"a": 1,, "b": 2}', (1, 9), "there is a comma too many"),
        ('{"a":: 1}', (1, 6), "a value is missing before ':'"),
        ('{"a": 1: 2}', (1, 8), "there is a colon too many"),
        ('{"a": }', (1, 7), "a value is missing before '}'"),
        ('{"a": True}', (1, 7), NO_VALUE),
        ('{"a": https://x}', (1, 7), NO_VALUE),
        ('{1a: 2}', (1, 2), "a key in quotes is missing here"),
        ('{"a": {\n"b": 1,\n"b": 2}}', (3, 1),
         "duplicate key 'b' in one object: line 2 has it, too; remove or rename one"),
    ],
)  # fmt: skip
def test_syntax_error_names_the_place_and_the_remedy(text, position, problem):
    with pytest.raises(JsonSyntaxError) as error:
        parse_json5(text)

    assert (error.value.position, error.value.problem) == (Position(*position), problem)
    assert str(error.value) == f"line {position[0]}, column {position[1]}: {problem}"


@pytest.mark.parametrize("text", ["", " \n", "// nothing"])
def test_empty_document_is_an_error_without_a_place(text):
    with pytest.raises(JsonSyntaxError, match=r"^is empty; write one object: \{\}$"):
        parse_json5(text)


def test_deep_nesting_is_one_line():
    with pytest.raises(JsonSyntaxError, match="nested too deeply"):
        parse_json5("[" * 20_000 + "]" * 20_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(JSON)
def test_every_member_of_a_document_has_a_position(document):
    def paths(value, path=()):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in members:
            yield (*path, key)
            if isinstance(inner, dict | list):
                yield from paths(inner, (*path, key))

    if isinstance(document, dict | list):
        text = json.dumps(document, indent=1)
        assert set(member_positions(text)) == set(paths(document))
