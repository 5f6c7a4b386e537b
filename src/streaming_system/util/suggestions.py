"""Suggestions for misspelt names."""

import difflib
from collections.abc import Iterable

MIN_SIMILARITY = 0.7


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'? `` for a misspelt name, "" if no known name is similar."""
    near = similar_name(name, known)
    return f"did you mean {near!r}? " if near else ""


def similar_name(name: str, known: Iterable[str], min_similarity: float = MIN_SIMILARITY) -> str:
    """Return the most similar known name; "" if there is none.

    Capitals do not matter, nor do the signs between words.
    """
    folded = {_fold(each): each for each in known}
    near = difflib.get_close_matches(_fold(name), list(folded), 1, min_similarity)
    return folded[near[0]] if near else ""


def _fold(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
