"""docs/explanation/threats.md and the tests that it references."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
MANUAL = TESTS.parent / "docs/explanation/threats.md"
REFERENCE = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_all_tests_in_the_threat_model_exist():
    references = REFERENCE.findall(MANUAL.read_text(encoding="utf-8"))

    assert len(references) > 60
    assert [
        f"{path}::{test}"
        for path, test in references
        if not (TESTS / path).is_file() or test not in names_in(TESTS / path)
    ] == []


def test_all_attack_tests_are_in_the_threat_model():
    referenced = {path for path, _ in REFERENCE.findall(MANUAL.read_text(encoding="utf-8"))}
    files = {f"attacks/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}

    assert files - referenced == {"attacks/test_threats.py"}


def test_each_threat_has_a_test():
    for line in MANUAL.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| could want"):
            goal, defence, tests, _ = (cell.strip() for cell in line.strip("|").split("|"))
            assert goal, line
            assert defence, line
            assert REFERENCE.search(tests), line
