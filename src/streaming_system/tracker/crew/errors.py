"""How a service says no."""


class CrewError(Exception):
    """What somebody of the crew asked for and cannot have, with one line that says why."""


def validate_single_line(text: str, what: str, longest: int) -> str:
    """Return a text of one line as it may be kept: without space around it.

    :param what: what it is, for people, such as ``the label``.
    :raises CrewError: if it is empty, too long, or not a line.
    """
    text = text.strip()
    if not text:
        raise CrewError(f"{what} is empty")
    if len(text) > longest:
        raise CrewError(f"{what} is too long; allowed: {longest} characters")
    # Control characters, halves of surrogate pairs, and what turns the direction of writing.
    if not text.isprintable():
        raise CrewError(f"{what} has characters that cannot be shown")
    return text
