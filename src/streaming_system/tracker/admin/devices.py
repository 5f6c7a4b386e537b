"""Device cookies: they identify browsers in which an account has logged in before.

Failed logins of other clients do not slow down such a browser ("device cookies" of OWASP).
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webob.cookies import SignedCookieProfile

DEVICE_TTL = timedelta(days=180)
# The accounts that one browser is known for; a further one replaces the oldest.
MAX_ACCOUNTS = 8
# A part of the hash suffices to tell a few accounts apart.
ACCOUNT_CHARS = 16


@dataclass(frozen=True, kw_only=True)
class Device:
    """A browser.

    :param id: a random text; "" for a browser without a valid cookie.
    :param accounts: keyed hashes of the names of accounts that have logged in.
    """

    id: str = ""
    accounts: tuple[str, ...] = ()

    def id_for(self, account: str) -> str:
        """Return the id if an account has logged in; "" otherwise.

        :param account: the keyed hash of its name.
        """
        return self.id if account[:ACCOUNT_CHARS] in self.accounts else ""


class DeviceCookies:
    """Loads and stores the device of a browser in a signed cookie for the admin pages."""

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key, self._secure = key.hex(), secure

    def load(self, request: Any) -> Device:
        """Return the device of a request."""
        value = self._profile(request).get_value()
        # A signed value has the format of store(), perhaps of another version.
        if not isinstance(value, dict) or value.keys() != {"id", "at", "accounts"}:
            return Device()
        if request.now.timestamp() - value["at"] >= DEVICE_TTL.total_seconds():
            return Device()
        return Device(id=value["id"], accounts=tuple(value["accounts"]))

    def store(self, request: Any, account: str) -> None:
        """Add an account to the device of a request, and set the cookie in its response.

        :param account: the keyed hash of its name.
        """
        device = self.load(request)
        account = account[:ACCOUNT_CHARS]
        accounts = [*(known for known in device.accounts if known != account), account]
        value = {
            "id": device.id or secrets.token_urlsafe(16),
            "at": int(request.now.timestamp()),
            "accounts": accounts[-MAX_ACCOUNTS:],
        }
        headers = self._profile(request).get_headers(value)
        request.add_response_callback(lambda request, response: response.headerlist.extend(headers))

    def _profile(self, request: Any) -> SignedCookieProfile:
        return SignedCookieProfile(
            self._key,
            "device",
            "device",
            secure=self._secure,
            max_age=int(DEVICE_TTL.total_seconds()),
            httponly=True,
            samesite="Strict",
            path=f"{request.script_name}/admin",
            hashalg="sha256",
        ).bind(request)
