"""What all tests share."""

import gc
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_collection_finish() -> None:
    """Keep what is there for good out of the garbage collector's sight.

    It would look at all the tests again for each few apps that one has made: a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """The folder of real and hostile feeds that lies beside the project, where there is one."""
    folder = root.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, which is not beside this checkout")
    return folder
