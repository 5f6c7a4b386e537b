"""The vocabulary check finds banned words in prose and names, and ignores legitimate English."""

import os
import subprocess

import pytest

RULES = """
subjects.since = 2026-11-30T00:00:00Z
subjects.verbs = ["add", "fix", "speed up"]

[files]
include = ["src/*", "docs/*", "Makefile"]
exclude = ["*/vendor/*"]

[prose]
nobody = { use = "the noun" }
"made from" = { use = "built from" }
inverted = { match = "(?-i:Read|Kept) are", use = "subject first" }

[word]
told = { use = "notified" }

[class]
adjective = { match = "Steady|Sent", use = "a noun phrase" }

[exception]
suffix = { match = "(?!\\\\w*Error$)\\\\w+", use = "a name that ends in Error" }

[function]
read = { use = "parse_…" }

[constant]
maximum = { match = "_?MOST(?:_\\\\w+)?", use = "MAX_…" }

[module]
adjective = { match = "steady", use = "the noun" }
"""


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "text", "expected"),
        [
            ("src/a.py", '"""Waits.\n\nSo that nobody\nwaits."""\n', ['3: "nobody"']),
            ("src/a.py", "# It is made\n# from rows.\n", ['1: "made from"']),
            ("src/a.py", "x = 1  # Nobody reads it.\n", ['1: "Nobody"']),
            ("src/a.py", 'x = f"{y} is nobody"\n', ['1: "nobody"']),
            ("src/a.py", "def test_nobody_waits(): ...\n", ['1: "nobody"']),
            ("src/a.py", "def f(told): ...\n", ['1: "told"']),
            ("src/a.py", "class ToldOnce: ...\n", ['1: "ToldOnce"']),
            ("src/a.py", "self.was_told = 1\n", ['1: "was_told"']),
            ("src/a.py", "class Steady: ...\n", ['1: "Steady"']),
            ("src/a.py", "class Busy(OSError): ...\n", ['1: "Busy"']),
            ("src/a.py", "def read(): ...\n", ['1: "read"']),
            ("src/a.py", "_MOST_BYTES = 1\n", ['1: "_MOST_BYTES"']),
            ("src/steady.py", "", ['1: "steady"']),
            ("src/steady/__init__.py", "", ['1: "steady"']),
            ("src/a.jinja2", "{# nobody #}<p>{{ _('for nobody') }}</p>", ['1: "nobody"'] * 2),
            ("src/a.js", 'x = "//";\n/* Read\n * are two. */\n// nobody', ["2:", "4:"]),
            ("src/a.css", "a { b: c } /* nobody */", ['1: "nobody"']),
            ("docs/a.md", "# Title\n\nRead are tables.\n", ['3: "Read are"']),
            ("Makefile", "a:  ## Ask nobody.\n", ['1: "nobody"']),
        ],
    )
    def test_a_banned_word_is_a_finding(self, check, path, text, expected):
        findings = check({path: text})

        assert len(findings) == len(expected)
        for finding, start in zip(findings, expected, strict=True):
            assert finding.startswith(f"{path}:{start}")
            assert ": use " in finding

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("src/a.py", 'x = "nobody"\n'),
            ("src/a.py", '"""Calls ``nobody`` and `told`.\n\n:param told: a name.\n"""\n'),
            ("src/a.py", "print(told, self.told, read())\n"),
            ("src/a.py", "class BusyError(OSError): ...\n"),
            ("src/a.py", "class SteadyState: ...\n"),
            ("src/a.py", "ALMOST = untold = 1\ndef read_feed(): ...\n"),
            ("src/a.py", "# We read are and their sum.\n"),
            ("src/a.jinja2", '<p class="nobody">{{ nobody.x }}{% if nobody %}{% endif %}</p>'),
            ("src/a.js", 'x = "// nobody"; nobody();'),
            ("src/vendor/a.js", "// nobody"),
            ("docs/a.md", "`nobody` and [a link](made_from/nobody.md)"),
            ("docs/a.png", "nobody"),
            ("other/a.md", "nobody"),
            ("Makefile", "nobody:\n\tchown nobody x\n"),
        ],
    )
    def test_code_and_legitimate_english_are_none(self, check, path, text):
        assert check({path: text}) == []

    def test_a_class_name_exists_once_in_src(self, check):
        findings = check({"src/a.py": "class Pace: ...\n", "src/b.py": "class Pace: ...\n"})

        assert findings == [
            'src/a.py:1: "Pace": use another name: it is also defined in src/b.py',
            'src/b.py:1: "Pace": use another name: it is also defined in src/a.py',
        ]

    def test_an_exception_allows_a_rule_and_must_be_used(self, check):
        allow = '[[allow]]\nfile = "src/*.py"\nrule = "prose *"\nreason = "A quotation."\n'

        assert check({"src/a.py": "# nobody\n"}, rules=RULES + allow) == []
        assert check({"src/a.py": ""}, rules=RULES + allow) == [
            'tools/vocabulary.toml:1: "src/*.py prose *": remove the unused exception'
        ]


class TestOptions:
    def test_paths_and_counts(self, make_tree, run):
        root = make_tree({"src/a.py": "# nobody, nobody\n", "src/ab.py": "MOST = 1\n"})

        assert run(root, "src/a.py") == [
            'src/a.py:1: "nobody": use the noun',
            'src/a.py:1: "nobody": use the noun',
            "2 findings",
        ]
        assert run(root, "--count") == [
            "     1 constant maximum",
            "     2 prose nobody",
            "3 findings",
        ]


class TestSubjects:
    @pytest.mark.parametrize(
        "subject",
        [
            "tracker: fix lease after clock jump",
            "tests/unit, docs: speed up parser tests",
            'Revert "Let nobody wait"',
            "fixup! Let nobody wait",
        ],
    )
    def test_a_subject_is_area_verb_noun(self, vocabulary, subject):
        assert list(self.rules(vocabulary).check_subject("abc", subject)) == []

    @pytest.mark.parametrize(
        "subject",
        [
            "Let it wait",
            "fix lease",
            "tracker: fix",
            "tracker: let it wait",
            "Tracker: fix lease",
            "tracker: add list for nobody",
        ],
    )
    def test_any_other_subject_is_a_finding(self, vocabulary, subject):
        [finding] = self.rules(vocabulary).check_subject("abc", subject)

        assert finding.path == "commit abc"

    def test_only_new_commits_are_checked(self, check, make_tree, commit):
        root = make_tree({})
        commit(root, "Let it wait", "2026-11-29T12:00:00Z")
        commit(root, "Let it wait again", "2026-12-01T12:00:00Z")
        commit(root, "docs: add page", "2026-12-01T13:00:00Z")

        [finding] = check(root=root)

        assert '"Let it wait again": use "area: verb noun"' in finding

    @staticmethod
    def rules(vocabulary):
        return vocabulary.Vocabulary(RULES)

    @pytest.fixture
    def commit(self):
        def commit(root, subject, date):
            author = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
            committer = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
            environ = os.environ | author | committer | {"GIT_AUTHOR_DATE": date}
            for command in (["init"], ["commit", "--allow-empty", "-m", subject]):
                subprocess.run(["git", *command, "-q"], cwd=root, env=environ, check=True)

        return commit


@pytest.fixture
def vocabulary(script):
    return script("vocabulary", "tools")


@pytest.fixture
def make_tree(tmp_path):
    """Return a function that creates a project with files and rules."""

    def make_tree(files, rules=RULES):
        for path, text in (files | {"tools/vocabulary.toml": rules}).items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return make_tree


@pytest.fixture
def run(vocabulary, capsys):
    """Return a function that runs the check and returns the lines that it prints."""

    def run(root, *arguments):
        status = vocabulary.main(arguments, root)
        lines = capsys.readouterr().out.splitlines()
        assert status == (0 if lines[-1].startswith("0 findings") else 1)
        return lines

    return run


@pytest.fixture
def check(make_tree, run):
    """Return a function that checks files and returns the findings."""

    def check(files=None, root=None, **more):
        return run(root or make_tree(files, **more))[:-1]

    return check
