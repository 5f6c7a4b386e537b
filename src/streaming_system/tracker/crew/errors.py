"""Errors that are shown to crew members."""


class CrewError(Exception):
    """A rejected request of a crew member; the message is one line."""


def validate_single_line(text: str, description: str, max_chars: int) -> str:
    """Return a text of one line without surrounding white space.

    :param description: the name of the text in messages, such as ``the label``.
    :raises CrewError: if it is empty, too long, or not printable.
    """
    text = text.strip()
    if not text:
        raise CrewError(f"{description} is empty")
    if len(text) > max_chars:
        raise CrewError(f"{description} is too long; allowed: {max_chars} characters")
    # Control characters, surrogates, and characters that change the direction of text.
    if not text.isprintable():
        raise CrewError(f"{description} has characters that cannot be shown")
    return text
