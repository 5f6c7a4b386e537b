"""Logs a persistent problem once instead of at each attempt."""

import logging


def describe_error(error: Exception) -> str:
    """Return the message of an error in one line of at most 200 characters."""
    message = " ".join(str(error).split())
    # urllib3 puts the representation of the failed object first.
    if message.startswith(("<", "HTTP")) and ": " in message:
        message = message.partition(": ")[2]
    return message[:200]


class LogOnce:
    """Logs each warning once until it changes or is resolved.

    :param log: the logger of the caller.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._messages: dict[str, str] = {}

    def warn(self, subject: str, message: str) -> None:
        """Log a warning unless the last one about this subject was the same."""
        if self._messages.get(subject) != message:
            self._messages[subject] = message
            self._log.warning("%s: %s", subject, message)

    def resolve(self, subject: str) -> None:
        """Log that the problem is over, if there was one."""
        if self._messages.pop(subject, None) is not None:
            self._log.info("%s: is good again", subject)
