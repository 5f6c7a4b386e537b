"""Passwords, as argon2 keeps them."""

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    return HASHER.hash(_bytes(password))


def matches(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that was kept.

    :param kept: ``None`` where there is no such account; the answer takes as long then, so that
        nobody learns who has an account.
    """
    try:
        HASHER.verify(nobody_s() if kept is None else kept, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a password should be hashed anew, because argon2 is used otherwise today."""
    return HASHER.check_needs_rehash(kept)


@functools.cache
def nobody_s() -> str:
    """Return the hash of a password that nobody knows."""
    return hashed(secrets.token_urlsafe())


def _bytes(password: str) -> bytes:
    # What a terminal sends in another encoding arrives as halves of surrogate pairs.
    return password.encode("utf-8", "surrogatepass")
