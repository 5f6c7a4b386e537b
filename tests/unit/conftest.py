"""What several of these tests share."""

import importlib
import sys

import pytest


@pytest.fixture(scope="session")
def script(root):
    """Return a function that imports what lies beside the program, and is no part of it."""

    def script(name, folder="benchmarks"):
        sys.path.insert(0, str(root / folder))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.pop(0)

    return script
