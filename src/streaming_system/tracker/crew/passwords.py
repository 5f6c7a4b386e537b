"""Password hashing with argon2, and the strength of new passwords."""

import functools
import re
import secrets
import threading
from collections.abc import Collection

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()
# The number of guesses that an attacker needs who tries likely passwords first.
MIN_GUESSES = 10**8
# zxcvbn refuses longer texts; the rest of a long password can only make it stronger.
MAX_ESTIMATED_CHARS = 72
MIN_CONTEXT_WORD_CHARS = 3
# zxcvbn stores the context words of a call in a global variable.
_estimator_lock = threading.Lock()


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password."""
    return HASHER.hash(_encode(password))


def is_guessable(password: str, context: Collection[str]) -> bool:
    """Return whether a password is common, or follows a common pattern.

    :param context: names that an attacker tries first, such as that of the account.
    """
    # Its lists of words take a tenth of a second, and few processes set passwords.
    from zxcvbn import zxcvbn

    words = _context_words(context)
    # What is left without them has to be strong enough.
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    with _estimator_lock:
        result = zxcvbn(rest.strip()[:MAX_ESTIMATED_CHARS] or "a", sorted(words))
    return bool(result["guesses"] < MIN_GUESSES)


def _context_words(context: Collection[str]) -> set[str]:
    """Return the words of names, alone and joined: "conf", "2026" and "conf2026"."""
    words = set()
    for name in context:
        parts = re.findall(r"[^\W\d_]+|\d+", name.casefold())
        words |= {name.casefold(), *parts, "".join(parts)}
    return {word for word in words if len(word) >= MIN_CONTEXT_WORD_CHARS}


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
