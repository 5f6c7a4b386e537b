"""Errors of `agent generate`; each is one line for its user."""


class ServerSetupError(Exception):
    """An option is invalid, or the files cannot be written."""
