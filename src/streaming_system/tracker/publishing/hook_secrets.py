"""The secrets with which servers sign their requests to the hooks."""

import base64
import hashlib
import hmac

from sqlalchemy.orm import Session

from streaming_system.tracker.crew.server_keys import ServerKeys

# The name of the key that the secrets are derived from.
HOOK_KEY_NAME = "publish_hook"


class HookSecrets:
    """One secret for each token. It is derived, so that the database has no secret of a server."""

    def __init__(self, db: Session) -> None:
        self._keys = ServerKeys(db)

    def secret(self, token_id: int) -> str:
        """Return the secret of a token, which a server uses instead of the token's text."""
        key = self._keys.get(HOOK_KEY_NAME)
        digest = hmac.digest(key, f"token {token_id}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_signed(self, token_id: int, body: bytes, signature: str) -> bool:
        """Return whether a body has OvenMediaEngine's signature: HMAC-SHA1 in URL-safe Base64."""
        digest = hmac.digest(self.secret(token_id).encode(), body, hashlib.sha1)
        expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
        return hmac.compare_digest(expected, signature.strip().rstrip("=").encode())
