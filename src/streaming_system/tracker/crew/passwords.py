"""Passwords, as argon2 keeps them."""

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return HASHER.hash(_encode(password))


def verify(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that was kept.

    :param kept: ``None`` where there is no such account; the answer takes as long then, so that
        nobody learns who has an account.
    """
    try:
        HASHER.verify(dummy_hash() if kept is None else kept, _encode(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def needs_rehash(kept: str) -> bool:
    """Tell whether a password should be hashed anew, because argon2 is used otherwise today."""
    return HASHER.check_needs_rehash(kept)


@functools.cache
def dummy_hash() -> str:
    """Return the hash of a password that nobody knows."""
    return hash_password(secrets.token_urlsafe())


def _encode(password: str) -> bytes:
    # What a terminal sends in another encoding arrives as halves of surrogate pairs.
    return password.encode("utf-8", "surrogatepass")
