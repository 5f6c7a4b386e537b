"""Fixtures of the unit tests."""

import importlib
import sys

import pytest


@pytest.fixture(scope="session")
def script(root):
    """Return a function that imports a module from a folder outside of the package."""

    def script(name, folder="benchmarks"):
        sys.path.insert(0, str(root / folder))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.pop(0)

    return script
