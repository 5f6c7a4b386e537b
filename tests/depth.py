"""How deep tests look that could look for ever: more examples, more repetitions."""

import os

EXHAUSTIVE = os.environ.get("TESTS_EXHAUSTIVE") == "1"


def scaled(usual, exhaustive):
    """Return the number for `make test`, or the one for `make test-exhaustive`."""
    return exhaustive if EXHAUSTIVE else usual
