"""Password hashing with argon2."""

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password."""
    return HASHER.hash(_encode(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Return whether a password matches a hash.

    :param password_hash: ``None`` for an unknown account. The result takes the same time, so that
        clients cannot find out which accounts exist.
    """
    try:
        HASHER.verify(dummy_hash() if password_hash is None else password_hash, _encode(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether a hash has other parameters than new ones have."""
    return HASHER.check_needs_rehash(password_hash)


@functools.cache
def dummy_hash() -> str:
    """Return the hash of a random password."""
    return hash_password(secrets.token_urlsafe())


def _encode(password: str) -> bytes:
    # Input of a terminal with another encoding contains surrogates.
    return password.encode("utf-8", "surrogatepass")
