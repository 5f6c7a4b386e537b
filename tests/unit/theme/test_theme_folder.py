"""Loading and validating a theme's folder."""

import json
import re

import pytest

from streaming_system.theme import EXAMPLES_FOLDER, ThemeError, load_theme, render_stylesheet
from streaming_system.theme.loader import example_names
from streaming_system.theme.model import BUILTIN_COLOURS

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def folder(tmp_path):
    """A folder with fonts and pictures, without theme.json."""
    folder = tmp_path / "mine"
    for name in ("fonts/own.woff2", "pictures/logo.svg", "pictures/social.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SVG)
    return folder


@pytest.fixture
def create_theme(folder):
    """Return a function that writes theme.json and other files, and loads the theme."""

    def create_theme(values=None, **files):
        text = values if isinstance(values, str) else json.dumps(values or {})
        (folder / "theme.json").write_text(text)
        for name, content in files.items():
            path = folder / {"css": "theme.css"}.get(name, f"templates/{name}.jinja2")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return load_theme(str(folder))

    return create_theme


def error_message(create_theme, *arguments, **files):
    with pytest.raises(ThemeError) as error:
        create_theme(*arguments, **files)
    return str(error.value)


class TestExamples:
    def test_there_are_three_examples(self):
        assert example_names() == ["festival", "institute", "terminal"]

    @pytest.mark.parametrize("name", example_names())
    def test_example_has_enough_contrast(self, name):
        assert load_theme(name).warnings == ()

    def test_unknown_theme_is_reported_with_the_known_ones(self):
        with pytest.raises(ThemeError) as error:
            load_theme("terminus")

        assert str(error.value) == (
            "there is no built-in theme 'terminus'; allowed: festival, institute, terminal, or the "
            "path of a folder, such as ./theme"
        )

    @pytest.mark.parametrize("name", ["..", "../examples/terminal", "terminal/pictures", "."])
    def test_name_cannot_leave_the_folder_of_examples(self, name):
        with pytest.raises(ThemeError):
            load_theme(name)


class TestValues:
    def test_empty_theme_has_the_builtin_colours(self, create_theme):
        theme = create_theme()

        colours = {
            scheme: {name: str(fix) for name, fix in fixes.items()}
            for scheme, fixes in theme.colours.items()
        }
        assert colours == BUILTIN_COLOURS
        assert theme.warnings == ()

    def test_builtin_colours_are_those_of_the_stylesheet(self, root):
        css = (root / "src/streaming_system/frontend/static/foundation.css").read_text()
        declared = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", css)

        assert {name: light for name, light, _ in declared} == BUILTIN_COLOURS["light"]
        assert {name: dark for name, _, dark in declared} == BUILTIN_COLOURS["dark"]

    def test_stylesheet_has_properties_fonts_and_rules_in_layers(self, create_theme):
        theme = create_theme(
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

        css = render_stylesheet(theme)
        assert "--accent: light-dark(#800020, #8cc4f0);" in css
        assert '--font: "Own", serif; --font-titles: "Georgia", ui-serif;' in css
        assert '@font-face { font-family: "Own"; font-weight: 400; font-display: swap;' in css
        assert "--radius: 0px; --shadow: none;" in css
        assert '.pattern { background-image: url("pictures/logo.svg"); }' in css
        assert css.endswith("@layer theme {\n.card { color: red }\n}\n")

    def test_comments_and_trailing_commas_are_accepted(self, create_theme):
        assert create_theme('// ours\n{"name": "Ours", "": "",}').name == "Ours"

    def test_accent_with_low_contrast_is_fixed_with_a_warning(self, create_theme):
        theme = create_theme({"colours": {"light": {"accent": "#ffd400"}}})

        accent = theme.colours["light"]["accent"]
        surfaces = [theme.colours["light"][f"surface-{number}"].result for number in range(3)]
        assert min(accent.result.contrast(surface) for surface in surfaces) >= 4.5
        assert f"--accent: light-dark(color-mix(in srgb, #ffd400, #000000 {accent.share}%)," in (
            render_stylesheet(theme)
        )
        [warning] = theme.warnings
        assert "key 'colours.light.accent': #ffd400 has a contrast of 1.1" in warning
        assert "4.5:1 is the minimum" in warning

    def test_text_on_the_accent_has_enough_contrast(self, create_theme):
        theme = create_theme(
            {"colours": {"dark": {"accent": "#ffd400"}, "light": {"accent": "#5a2000"}}}
        )

        for scheme in ("light", "dark"):
            colours = theme.colours[scheme]
            assert colours["on-accent"].result.contrast(colours["accent"].result) >= 4.5
            assert str(colours["focus"]) == str(colours["accent"])


class TestErrors:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"colors": {}}, "key 'colors': unknown key; did you mean 'colours'? allowed: name,"),
            ({"colours": {"sepia": {}}}, "key 'colours.sepia': unknown key; allowed: light, dark"),
            ({"colours": {"light": {"acent": "#fff"}}}, "did you mean 'accent'?"),
            ({"colours": {"dark": {"accent": "red"}}}, "is 'red'; allowed: #"),
            ({"colours": {"dark": {"accent": ["#fff"]}}}, "is ['#fff']; allowed: #"),
            ({"colours": [1]}, "key 'colours': is [1]; allowed: an object"),
            ({"colours": {"light": {"surface-0": "#fff", "surface-1": "#000"}}},
             "key 'colours.light': nothing can be read on all of #ffffff, #000000"),
            ({"colours": {"light": {"surface-1": "#808080"}}}, "nothing can be read on all of"),
            ({"logo": "pictures/none.svg"}, "key 'logo': there is no file "),
            ({"logo": "../mine/pictures/logo.svg"}, "key 'logo': there is no file "),
            ({"logo": "/etc/passwd"}, "key 'logo': is '/etc/passwd'; allowed: the path of a file"),
            ({"logo": "https://x.example/logo.svg"}, "key 'logo': is 'https://x.example/logo.svg'"),
            ({"social": "pictures/logo.svg"}, "that ends in .png, .jpg, .jpeg"),
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
            ('{"name": "a", "name": "b"}', "duplicate key 'name' in one object"),
            ("[" * 5000, "theme.json: "),
            (" " * 300_000 + "{}", "has more than 256 kB"),
        ],
    )  # fmt: skip
    def test_invalid_theme_json_is_reported_in_one_line(
        self, create_theme, folder, values, message
    ):
        line = error_message(create_theme, values)

        assert message in line
        assert line.startswith(str(folder / "theme.json"))
        assert "\n" not in line
        assert len(line) < 600

    def test_missing_theme_json_is_reported(self, folder):
        with pytest.raises(ThemeError, match=r"theme\.json: cannot be read: No such file"):
            load_theme(str(folder))

    @pytest.mark.parametrize(
        ("css", "message"),
        [
            ("}\nbody { color: red }", "line 1: there is no { for this }"),
            (".a { color: red", "a closing bracket is missing at its end"),
            (".a { color: rgb(0 0 0 }", "line 1: there is no { for this }"),
            ("@media (min-width: 1px", "a closing bracket is missing at its end"),
            ("/* }", "line 1: the comment has no end"),
            (".a { color: red /*", "line 1: the comment has no end"),
            ('.a::after { content: "} }', "line 1: the string has no end"),
            (".a { background: url(a'b) }", "line 1: the URL is invalid"),
            (".a { background: url(pictures/logo.svg", "line 1: the URL is invalid"),
            (
                ".a { background: \\75 rl(https://x.example/a.png) }",
                "leads to no file of the theme",
            ),
            (".a { background: image-set('//x.example/a.png' 1x) }", "leads to no file"),
            ("@\\69mport 'x.css';", "line 1: @import is not allowed"),
            ("\n@import url(x.css);", "line 2: @import is not allowed"),
            (".a { background: url(https://x.example/a.png) }", "leads to no file of the theme"),
            (".a { background: url(//x.example/a.png) }", "leads to no file of the theme"),
            (".a { background: url('pictures/none.png') }", "'pictures/none.png' leads to no file"),
            (".a { background: url(theme.json) }", "'theme.json' leads to no file"),
        ],
    )
    def test_stylesheet_that_breaks_out_or_loads_other_files_is_rejected(
        self, create_theme, css, message
    ):
        line = error_message(create_theme, css=css)

        assert message in line
        assert "theme.css" in line

    def test_brackets_and_imports_in_strings_and_comments_are_accepted(self, create_theme):
        css = (
            '/* } @import */ .a::after { content: "}" } '
            '.b { background: url( "pictures/logo.svg" ) }'
        )

        assert create_theme(css=css).css == css

    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({"index": "{% extends 'site/index.jinja2' %}{% block content %}"}, "line 1: "),
            ({"index": "{{ x|no_such_filter }}"}, "line 1: No filter named 'no_such_filter'."),
            ({"index": "{% extends 'site/idnex.jinja2' %}"}, "no template 'site/idnex.jinja2'"),
            ({"index": "{% extends 'index.jinja2' %}"},
             "refers to itself; the original is called site/index.jinja2"),
            ({"idnex": "hello"}, "no built-in template has this name"),
        ],
    )  # fmt: skip
    def test_invalid_template_is_rejected(self, create_theme, files, message):
        line = error_message(create_theme, **files)

        assert message in line
        assert "templates/" in line

    def test_template_may_include_another_template_of_the_theme(self, create_theme):
        theme = create_theme(index="{% include 'sponsors.jinja2' %}", sponsors="Thanks")

        assert theme.templates == ("index.jinja2", "sponsors.jinja2")


class TestFiles:
    def test_fonts_and_pictures_are_public_with_their_media_types(self, create_theme, folder):
        theme = create_theme()

        assert theme.file("pictures/logo.svg") == (folder / "pictures/logo.svg", "image/svg+xml")
        assert theme.file("fonts/own.woff2")[1] == "font/woff2"

    @pytest.mark.parametrize(
        "path",
        ["theme.json", "theme.css", "templates/index.jinja2", "pictures", "pictures/", "",
         "pictures/../theme.json", "pictures/../../secret.svg", "../secret.svg", "/secret.svg",
         "pictures/.hidden.svg", "pictures//logo.svg", "pictures\\logo.svg", "pictures/page.html",
         "pictures/link.svg", "pictures/logo.svg\0", "PICTURES/logo.svg",
         f"pictures/{'a' * 300}.svg", f"pictures/{'a/' * 3000}.svg"],
    )  # fmt: skip
    def test_other_paths_are_not_public(self, create_theme, folder, path):
        theme = create_theme(index="{% extends 'site/index.jinja2' %}")
        (folder.parent / "secret.svg").write_text("secret")
        (folder / "pictures/.hidden.svg").write_text("hidden")
        (folder / "pictures/page.html").write_text("<script>")
        (folder / "pictures/link.svg").symlink_to(folder.parent / "secret.svg")

        assert theme.file(path) is None


def test_font_of_an_example_has_two_weights():
    assert load_theme("festival").fonts["text"].files == {
        400: "fonts/fraunces-400.woff2",
        700: "fonts/fraunces-700.woff2",
    }
    assert (EXAMPLES_FOLDER / "festival/fonts/LICENSE").is_file()
