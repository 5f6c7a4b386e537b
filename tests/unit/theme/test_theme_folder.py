"""A theme's folder is read, checked, and refused with one line."""

import json
import re

import pytest

from streaming_system.theme import EXAMPLES_FOLDER, ThemeError, load, stylesheet
from streaming_system.theme.load import example_names
from streaming_system.theme.model import BUILTIN_COLOURS

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def folder(tmp_path):
    """A folder with fonts and pictures, and no theme.json yet."""
    folder = tmp_path / "mine"
    for name in ("fonts/own.woff2", "pictures/logo.svg", "pictures/social.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SVG)
    return folder


@pytest.fixture
def make(folder):
    """Return a function that writes a theme.json, and other files, and reads the theme."""

    def make(said=None, **files):
        text = said if isinstance(said, str) else json.dumps(said or {})
        (folder / "theme.json").write_text(text)
        for name, content in files.items():
            path = folder / {"css": "theme.css"}.get(name, f"templates/{name}.jinja2")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return load(str(folder))

    return make


def refusal(make, *arguments, **files):
    with pytest.raises(ThemeError) as refused:
        make(*arguments, **files)
    return str(refused.value)


class TestExamples:
    def test_there_are_three(self):
        assert example_names() == ["festival", "institute", "terminal"]

    @pytest.mark.parametrize("name", example_names())
    def test_nothing_had_to_be_corrected_in_it(self, name):
        assert load(name).notes == ()

    def test_an_unknown_one_is_refused_with_those_that_there_are(self):
        with pytest.raises(ThemeError) as refused:
            load("terminus")

        assert str(refused.value) == (
            "there is no built-in theme 'terminus'; allowed: festival, institute, terminal, or the "
            "path of a folder, such as ./theme"
        )

    @pytest.mark.parametrize("named", ["..", "../examples/terminal", "terminal/pictures", "."])
    def test_a_name_does_not_lead_out_of_the_examples(self, named):
        with pytest.raises(ThemeError):
            load(named)


class TestWhatItSays:
    def test_an_empty_one_is_ours(self, make):
        theme = make()

        shown = {
            scheme: {name: str(mix) for name, mix in named.items()}
            for scheme, named in theme.colours.items()
        }
        assert shown == BUILTIN_COLOURS
        assert theme.notes == ()

    def test_our_colours_are_those_of_the_stylesheet(self, root):
        css = (root / "src/streaming_system/frontend/static/foundation.css").read_text()
        ours = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", css)

        assert {name: light for name, light, _ in ours} == BUILTIN_COLOURS["light"]
        assert {name: dark for name, _, dark in ours} == BUILTIN_COLOURS["dark"]

    def test_its_stylesheet_has_tokens_fonts_and_its_own_rules_in_layers(self, make):
        theme = make(
            {
                "colours": {"light": {"accent": "#800020"}},
                "fonts": {
                    "text": {"stack": ["Own", "serif"], "files": {"400": "fonts/own.woff2"}},
                    "titles": {"stack": ["Georgia", "ui-serif"]},
                },
                "radius": 0,
                "shadow": False,
                "pattern": "pictures/logo.svg",
            },
            css=".card { color: red }",
        )

        css = stylesheet(theme)
        assert "--accent: light-dark(#800020, #8cc4f0);" in css
        assert '--font: "Own", serif; --font-titles: "Georgia", ui-serif;' in css
        assert '@font-face { font-family: "Own"; font-weight: 400; font-display: swap;' in css
        assert "--radius: 0px; --shadow: none;" in css
        assert '.pattern { background-image: url("pictures/logo.svg"); }' in css
        assert css.endswith("@layer theme {\n.card { color: red }\n}\n")

    def test_comments_and_trailing_commas_are_fine(self, make):
        assert make('// ours\n{"name": "Ours", "": "",}').name == "Ours"

    def test_an_accent_that_cannot_be_read_is_corrected_and_told(self, make):
        theme = make({"colours": {"light": {"accent": "#ffd400"}}})

        accent = theme.colours["light"]["accent"]
        surfaces = [theme.colours["light"][f"surface-{number}"].shown for number in range(3)]
        assert min(accent.shown.contrast(surface) for surface in surfaces) >= 4.5
        assert f"--accent: light-dark(color-mix(in srgb, #ffd400, #000000 {accent.share}%)," in (
            stylesheet(theme)
        )
        [note] = theme.notes
        assert "key 'colours.light.accent': #ffd400 has a contrast of 1.1" in note
        assert "4.5:1 is the least" in note

    def test_letters_on_the_accent_follow_it(self, make):
        theme = make({"colours": {"dark": {"accent": "#ffd400"}, "light": {"accent": "#5a2000"}}})

        for scheme in ("light", "dark"):
            colours = theme.colours[scheme]
            assert colours["on-accent"].shown.contrast(colours["accent"].shown) >= 4.5
            assert str(colours["focus"]) == str(colours["accent"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("said", "complaint"),
        [
            ({"colors": {}}, "key 'colors': unknown key; did you mean 'colours'? allowed: name,"),
            ({"colours": {"sepia": {}}}, "key 'colours.sepia': unknown key; allowed: light, dark"),
            ({"colours": {"light": {"acent": "#fff"}}}, "did you mean 'accent'?"),
            ({"colours": {"dark": {"accent": "red"}}}, "is 'red', which is no colour; allowed: #"),
            ({"colours": {"dark": {"accent": ["#fff"]}}}, "is ['#fff'], which is no colour"),
            ({"colours": [1]}, "key 'colours': is [1]; allowed: an object"),
            ({"colours": {"light": {"surface-0": "#fff", "surface-1": "#000"}}},
             "key 'colours.light': nothing can be read on all of #ffffff, #000000"),
            ({"colours": {"light": {"surface-1": "#808080"}}}, "nothing can be read on all of"),
            ({"logo": "pictures/none.svg"}, "key 'logo': there is no file "),
            ({"logo": "../mine/pictures/logo.svg"}, "key 'logo': there is no file "),
            ({"logo": "/etc/passwd"}, "key 'logo': is '/etc/passwd'; allowed: the path of a file"),
            ({"logo": "https://x.example/logo.svg"}, "key 'logo': is 'https://x.example/logo.svg'"),
            ({"social": "pictures/logo.svg"}, "that ends in .png, .jpg, .jpeg, .webp"),
            ({"fonts": {"text": {"stack": "serif"}}}, "key 'fonts.text.stack': is 'serif'"),
            ({"fonts": {"text": {"stack": ['x"; } body {']}}}, "key 'fonts.text.stack'"),
            ({"fonts": {"text": {"stack": ["Own"], "files": {"bold": "fonts/own.woff2"}}}},
             "key 'fonts.text.files.bold': unknown key; allowed: 100, 200"),
            ({"fonts": {"text": {"stack": ["Own"], "files": {"400": "fonts/no.woff2"}}}},
             "key 'fonts.text.files.400': there is no file"),
            ({"radius": "8px"}, "key 'radius': is '8px'; allowed: a whole number of px, 0 to 32"),
            ({"radius": True}, "key 'radius': is True"),
            ({"shadow": 1}, "key 'shadow': is 1; allowed: true or false"),
            ({"name": "a\nb"}, "key 'name': is 'a\\nb'; allowed: 1 to 80 printable characters"),
            ("[]", "is []; allowed: an object"),
            ("{", "line 1"),
            ('{"name": "a", "name": "b"}', "the key 'name' stands twice in one object"),
            ("[" * 5000, "theme.json: "),
            (" " * 300_000 + "{}", "has more than 256 kB"),
        ],
    )  # fmt: skip
    def test_a_bad_theme_json_is_one_line(self, make, folder, said, complaint):
        words = refusal(make, said)

        assert complaint in words
        assert words.startswith(str(folder / "theme.json"))
        assert "\n" not in words
        assert len(words) < 600

    def test_a_folder_without_one_is_told(self, folder):
        with pytest.raises(ThemeError, match=r"theme\.json: cannot be read: No such file"):
            load(str(folder))

    @pytest.mark.parametrize(
        ("css", "complaint"),
        [
            ("}\nbody { color: red }", "line 1: there is no { for this }"),
            (".a { color: red", "a } is missing at its end"),
            ("/* }", "line 1: the comment has no end"),
            ("\n@import url(x.css);", "line 2: @import is not allowed"),
            (".a { background: url(https://x.example/a.png) }", "leads to no file of the theme"),
            (".a { background: url(//x.example/a.png) }", "leads to no file of the theme"),
            (".a { background: url('pictures/none.png') }", "'pictures/none.png' leads to no file"),
            (".a { background: url(theme.json) }", "'theme.json' leads to no file"),
        ],
    )
    def test_a_stylesheet_that_breaks_out_or_loads_what_is_not_there(self, make, css, complaint):
        words = refusal(make, css=css)

        assert complaint in words
        assert "theme.css" in words

    def test_a_good_stylesheet_may_say_anything(self, make):
        css = (
            '/* } @import */ .a::after { content: "}" } '
            '.b { background: url( "pictures/logo.svg" ) }'
        )

        assert make(css=css).css == css

    @pytest.mark.parametrize(
        ("files", "complaint"),
        [
            ({"index": "{% extends 'site/index.jinja2' %}{% block content %}"}, "line 1: "),
            ({"index": "{{ x|no_such_filter }}"}, "line 1: No filter named 'no_such_filter'."),
            ({"index": "{% extends 'site/idnex.jinja2' %}"}, "no template 'site/idnex.jinja2'"),
            ({"index": "{% extends 'index.jinja2' %}"},
             "refers to itself; the original is called site/index.jinja2"),
            ({"idnex": "hello"}, "no template of ours is called so"),
        ],
    )  # fmt: skip
    def test_a_template_that_cannot_work(self, make, files, complaint):
        words = refusal(make, **files)

        assert complaint in words
        assert "templates/" in words

    def test_a_template_of_its_own_may_be_included(self, make):
        theme = make(index="{% include 'sponsors.jinja2' %}", sponsors="Thanks")

        assert theme.templates == ("index.jinja2", "sponsors.jinja2")


class TestFiles:
    def test_fonts_and_pictures_are_there_with_their_types(self, make, folder):
        theme = make()

        assert theme.file("pictures/logo.svg") == (folder / "pictures/logo.svg", "image/svg+xml")
        assert theme.file("fonts/own.woff2")[1] == "font/woff2"

    @pytest.mark.parametrize(
        "path",
        ["theme.json", "theme.css", "templates/index.jinja2", "pictures", "pictures/", "",
         "pictures/../theme.json", "pictures/../../secret.svg", "../secret.svg", "/secret.svg",
         "pictures/.hidden.svg", "pictures//logo.svg", "pictures\\logo.svg", "pictures/page.html",
         "pictures/link.svg", "pictures/logo.svg\0", "PICTURES/logo.svg"],
    )  # fmt: skip
    def test_nothing_else_is(self, make, folder, path):
        theme = make(index="{% extends 'site/index.jinja2' %}")
        (folder.parent / "secret.svg").write_text("secret")
        (folder / "pictures/.hidden.svg").write_text("hidden")
        (folder / "pictures/page.html").write_text("<script>")
        (folder / "pictures/link.svg").symlink_to(folder.parent / "secret.svg")

        assert theme.file(path) is None


def test_the_font_of_an_example_is_there_in_two_weights():
    assert load("festival").fonts["text"].files == {
        400: "fonts/fraunces-400.woff2",
        700: "fonts/fraunces-700.woff2",
    }
    assert (EXAMPLES_FOLDER / "festival/fonts/LICENSE").is_file()
