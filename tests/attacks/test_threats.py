"""docs/threats.md names tests: they are there, and all that is tested here is named."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
MANUAL = TESTS.parent / "docs/threats.md"
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_is_named_exists():
    named = NAMED.findall(MANUAL.read_text(encoding="utf-8"))

    assert len(named) > 60
    assert [
        f"{path}::{test}"
        for path, test in named
        if not (TESTS / path).is_file() or test not in names_in(TESTS / path)
    ] == []


def test_whatever_is_attacked_here_is_in_the_model():
    named = {path for path, _ in NAMED.findall(MANUAL.read_text(encoding="utf-8"))}
    files = {f"attacks/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}

    assert files - named == {"attacks/test_threats.py"}


def test_every_threat_has_a_test():
    for line in MANUAL.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| could want"):
            wants, stops, held, _ = (cell.strip() for cell in line.strip("|").split("|"))
            assert wants, line
            assert stops, line
            assert NAMED.search(held), line
