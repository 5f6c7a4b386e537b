"""The second factor of a log-in: codes of an app (TOTP, RFC 6238), and recovery codes."""

import base64
import hashlib
import secrets
from datetime import datetime

import pyotp
import segno
import sqlalchemy as sa
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Account, RecoveryCode

SECRET_CHARS = 32
RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
# Codes of the previous and of the next 30 seconds are valid, since clocks differ.
VALID_STEPS = 1


class SecondFactors:
    """The second factors of accounts."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def enable(self, account: Account, secret: str, code: str, *, now: datetime) -> list[str]:
        """Require codes of an app from now on, and end all sessions; return recovery codes.

        :param secret: the key that the app has; see :func:`create_secret`.
        :param code: a code of the app, which proves that it has the key.
        :raises CrewError: if there is a second factor already, or the code is wrong.
        """
        ensure_write_transaction(self.db)
        if account.totp_secret is not None:
            raise CrewError(f"{account.name} has a second factor already; turn it off first")
        step = _matching_step(secret, code, now) if is_secret(secret) else None
        if step is None:
            raise CrewError("the code is wrong; check the clock of the app's device")
        account.totp_secret, account.totp_step = secret, step
        account.session_generation += 1
        return self.renew_recovery_codes(account)

    def remove(self, account: Account) -> None:
        """Require no codes any more, and end all sessions.

        :raises CrewError: if there is no second factor.
        """
        ensure_write_transaction(self.db)
        if account.totp_secret is None:
            raise CrewError(f"{account.name} has no second factor")
        account.totp_secret = None
        account.session_generation += 1
        self._delete_recovery_codes(account.id)

    def renew_recovery_codes(self, account: Account) -> list[str]:
        """Replace the recovery codes; return the new ones, of which only hashes are stored."""
        ensure_write_transaction(self.db)
        self._delete_recovery_codes(account.id)
        codes = [_create_recovery_code() for _ in range(RECOVERY_CODES)]
        self.db.add_all(
            RecoveryCode(account_id=account.id, hash=_hash_recovery_code(code)) for code in codes
        )
        self.db.flush()
        return codes

    def count_recovery_codes(self, account_id: int) -> int:
        """Return the number of unused recovery codes."""
        query = sa.select(sa.func.count()).where(RecoveryCode.account_id == account_id)
        return self.db.scalar(query) or 0

    def use_code(self, account_id: int, code: str, *, now: datetime) -> bool:
        """Return whether a code is valid for an account; afterwards it is not valid any more."""
        ensure_write_transaction(self.db)
        secret = self.db.scalar(sa.select(Account.totp_secret).where(Account.id == account_id))
        if secret is None:
            return False
        step = _matching_step(secret, code, now)
        # The conditions hold for one of several concurrent requests with the same code.
        if step is not None:
            statement = (
                sa.update(Account)
                .where(Account.id == account_id, Account.totp_step < step)
                .values(totp_step=step)
                .returning(Account.id)
            )
            return self.db.execute(statement).first() is not None
        used = (
            sa.delete(RecoveryCode)
            .where(
                RecoveryCode.account_id == account_id,
                RecoveryCode.hash == _hash_recovery_code(code),
            )
            .returning(RecoveryCode.id)
        )
        return self.db.execute(used).first() is not None

    def _delete_recovery_codes(self, account_id: int) -> None:
        self.db.execute(sa.delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


def create_secret() -> str:
    """Return a random key for an app: 160 bits in base32."""
    return pyotp.random_base32(SECRET_CHARS)


def qr_code(secret: str, *, account: str, issuer: str) -> str:
    """Return the QR code of a key as a ``data:`` URL of an SVG image.

    :param issuer: the name of the site, which the app shows beside the account.
    """
    uri = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
    # Dark on light, also on a dark page: some apps cannot scan the reverse.
    return segno.make(uri, micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def is_secret(text: str) -> bool:
    """Return whether a text is a key, as :func:`create_secret` returns one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return len(text) == SECRET_CHARS and all(character in alphabet for character in text)


def _matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the number of the 30 seconds that a code is for; ``None`` for a wrong code."""
    digits = "".join(code.split())
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            digits, for_time=now, valid_window=VALID_STEPS
        )
    except OTPVerificationError:
        return None


def _create_recovery_code() -> str:
    """Return a random code of 80 bits: ``abcd-efgh-ijkl-mnop``."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash_recovery_code(code: str) -> str:
    # 80 random bits need no slow hash.
    text = "".join(code.lower().replace("-", "").split())
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
