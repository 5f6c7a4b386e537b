"""Forbidden calls in the source, and the security rules of the linter."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for folder in ("src", "parsers", "alembic", "tools", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)  # fmt: skip
# These evaluate text as a program.
FORBIDDEN = {
    "eval", "exec", "compile", "os.system", "os.popen", "subprocess.getoutput",
    "subprocess.getstatusoutput", "pickle.loads", "pickle.load", "marshal.loads", "yaml.load",
    "asyncio.create_subprocess_shell",
}  # fmt: skip


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_source_files_are_found():
    assert len(FILES) > 250


def test_source_evaluates_no_text():
    violations = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in FILES
        for name, node in calls(path)
        if name in FORBIDDEN
    ]

    assert violations == []


def test_source_runs_no_shell():
    violations = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for _, node in calls(path)
        for keyword in node.keywords
        if keyword.arg == "shell" and ast.unparse(keyword.value) != "False"
    ]

    assert violations == []


def test_only_the_export_of_feedback_writes_csv():
    """A cell that begins with = + - @, a tab or CR is a formula: an export must quote these."""
    checked = ("audience/feedback_export.py", "views/admin/feedback.py")
    violations = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"csv\.(writer|DictWriter)|text/csv|tab-separated|to_csv", line)
        and not path.as_posix().endswith(checked)
    ]

    assert violations == []


def test_security_rule_exceptions_have_a_reason():
    violations = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa:[^#]*\bS\d{3}", line)
        and not re.search(r"# noqa: [A-Z0-9, ]+ - [A-Z][^#]{3,}\.$", line)
    ]

    assert violations == []


@pytest.mark.parametrize("folder", ["src", "parsers", "alembic"])
def test_security_rules_are_enabled(folder):
    settings = (ROOT / "pyproject.toml").read_text()
    [selected] = re.findall(r"^select = (\[.*\])", settings, re.MULTILINE)
    ignored = settings.partition("per-file-ignores]")[2].partition("[tool.mypy]")[0]

    assert '"S"' in selected
    assert f'"{folder}' not in ignored
