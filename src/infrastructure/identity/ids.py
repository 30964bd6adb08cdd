"""Two makers of ids: a random one, and one whose ids follow from a seed.

Equal seeds must give byte-identical journals, so in virtual time even session ids are drawn from the seed.
"""

import hashlib
import secrets
import uuid

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_NAMESPACE_LENGTH = 3


class RandomIds:
    """Ids from the operating system's randomness."""

    def session_id(self) -> str:
        """A random UUID."""
        return str(uuid.uuid4())

    def namespace(self) -> str:
        """Three random characters."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(_NAMESPACE_LENGTH))


class SeededIds:
    """Ids that follow from a seed and from how many sessions there were before."""

    def __init__(self, seed: int, sessions_before: int = 0) -> None:
        self._seed = seed
        self._sessions = sessions_before

    def session_id(self) -> str:
        """The next session's UUID."""
        self._sessions += 1
        return str(uuid.UUID(bytes=self._draw(f"session:{self._sessions}")[:16], version=4))

    def account_id(self) -> str:
        """The account's UUID."""
        return str(uuid.UUID(bytes=self._draw("account")[:16], version=4))

    def namespace(self) -> str:
        """Three characters drawn from the seed."""
        return "".join(
            _ALPHABET[byte % len(_ALPHABET)] for byte in self._draw("namespace")[:_NAMESPACE_LENGTH]
        )

    def _draw(self, purpose: str) -> bytes:
        return hashlib.blake2b(f"{self._seed}:{purpose}".encode(), digest_size=32).digest()
