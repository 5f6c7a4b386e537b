"""The key that identifies this site to push services (VAPID, RFC 8292)."""

import base64
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# All workers share the key: it is in the table server_key, and in each backup.
VAPID_KEY_NAME = "vapid"
# Push services refuse tokens of more than 24 hours, and Apple asks not to renew them often.
TOKEN_TTL = 12 * 3600  # seconds
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def load_private_key(secret: bytes) -> "EllipticCurvePrivateKey":
    """Return the private key that belongs to 32 random bytes."""
    # A tracker without reminders starts faster without this import.
    from cryptography.hazmat.primitives.asymmetric import ec

    number = int.from_bytes(secret, "big") % (_P256_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def public_key(secret: bytes) -> str:
    """Return the public key as browsers expect it: base64url of an uncompressed point."""
    return _encode_point(load_private_key(secret))


def _encode_point(key: "EllipticCurvePrivateKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


class VapidSigner:
    """Signs messages. It is thread-safe.

    :param contact: see :class:`Contact`.
    :param clock: seconds since 1970.
    """

    def __init__(self, secret: bytes, contact: str, clock: Callable[[], float] = time.time) -> None:
        from py_vapid import Vapid02

        # Contact has validated the contact more strictly than the library.
        self._vapid = Vapid02(load_private_key(secret), conf={"no-strict": True})
        self._contact, self._clock = contact.rstrip("/"), clock
        self._tokens: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def authorization(self, url: str) -> str:
        """Return the header ``Authorization`` of a message to a URL."""
        parts = urlsplit(url)
        audience = f"{parts.scheme}://{parts.netloc}".lower()
        now = self._clock()
        with self._lock:
            expiry, token = self._tokens.get(audience, (0.0, ""))
            # A message may wait in the service's queue.
            if expiry - now < TOKEN_TTL / 2:
                expiry = now + TOKEN_TTL
                claims = {"aud": audience, "exp": int(expiry), "sub": self._contact}
                token = self._vapid.sign(claims)["Authorization"]
                self._tokens[audience] = expiry, token
        return token
