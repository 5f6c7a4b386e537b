"""Logs a persistent problem once instead of at each attempt."""

import logging

from streaming_system.util.json_object import FieldProblems


class LogOnce:
    """Logs each warning once until it changes or is resolved.

    :param log: the logger of the caller.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._faults: dict[str, str] = {}

    def warn(self, subject: str, message: str, *, fault: str = "") -> None:
        """Log a warning unless the last one about this subject was the same.

        :param fault: what identifies the problem if its message has values that change; by default
            the message.
        """
        if self._faults.get(subject) != (fault or message):
            self._faults[subject] = fault or message
            self._log.warning("%s: %s", subject, message)

    def resolve(self, subject: str) -> None:
        """Log that the problem is over, if there was one."""
        if self._faults.pop(subject, None) is not None:
            self._log.info("%s: is good again", subject)

    def record(self, subject: str, problems: FieldProblems) -> None:
        """Log the invalid fields of a document that is used otherwise, or that it has none."""
        if problems:
            self.warn(subject, f"{problems}; other fields apply", fault=problems.fault)
        else:
            self.resolve(subject)
