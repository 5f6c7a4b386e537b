"""Registers an endpoint with the tracker, as the original's encoders do."""

import json
from collections.abc import Mapping

import urllib3

TIMEOUT = urllib3.Timeout(connect=5, read=10)


class RegistrationError(Exception):
    """The tracker refused, or could not be asked: one line that says which and why."""


class Registrar:
    """Speaks to one tracker.

    :param server: the tracker's URL, such as ``http://127.0.0.1:8000/tracker``.
    :param secret: what the tracker's configuration calls ``secret``.
    """

    def __init__(self, server: str, secret: str) -> None:
        self.url = f"{server.rstrip('/')}/endpoint/register"
        self._secret = secret
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def register(self, group: str, figures: Mapping[str, int], *, ip: str = "") -> str:
        """Report the figures of the endpoint that streams ``group``; return the answer.

        :param figures: ``overall_clients``, ``overall_bitrate`` (bit/s) and so on.
        :param ip: the address to register instead of the sender's; only trackers under
            development listen to it.
        :raises RegistrationError: unless the tracker answers ``OK``.
        """
        fields = {"secret": self._secret, "group": group, "data": json.dumps(dict(figures))}
        if ip:
            fields["REMOTE_ADDR"] = ip
        try:
            answer = self._pool.request(
                "POST", self.url, fields=fields, encode_multipart=False, redirect=False
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise RegistrationError(f"{self.url}: cannot be reached: {error!s:.200}") from None
        said = answer.data.decode("utf-8", "replace").strip()
        if answer.status != 200 or said != "OK":
            line = said.partition("\n")[0][:200]
            raise RegistrationError(
                f"{self.url}: {group} is refused: {answer.status} {line or answer.reason}"
            )
        return said
