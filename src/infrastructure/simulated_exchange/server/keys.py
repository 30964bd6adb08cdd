"""API keys: whose they are and what they may do; kept in a file that is replaced as a whole.

A key is checked the way the gateway does it: a malformed one is -2014, everything else that is wrong with it
-2015 (unknown, revoked, expired, from another address, without the permission).
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.signing import Ed25519Verifier, HmacVerifier

_FORMAT: Final = re.compile(r"[A-Za-z0-9]{16,64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. ``secret`` is the HMAC secret, or the public key (PEM) of an Ed25519 pair.

    ``addresses`` are the only ones it may come from; none means any. ``expires_ms`` 0 means never.
    """

    key: str
    secret: str
    account: int
    may_trade: bool = True
    may_withdraw: bool = False
    addresses: tuple[str, ...] = ()
    expires_ms: int = 0

    @property
    def is_ed25519(self) -> bool:
        """Whether it signs with a private key."""
        return "PUBLIC KEY" in self.secret


class KeyRing:
    """The keys there are, read from ``path``; every change is durable when it returns. Those in ``keys`` are added."""

    def __init__(self, path: Path, keys: Iterable[ApiKey]) -> None:
        self._path = path
        self._keys: dict[str, ApiKey] = {}
        self._verifiers: dict[str, HmacVerifier | Ed25519Verifier] = {}
        if path.exists():
            for row in json.loads(path.read_text(encoding="utf-8")):
                self._take(_from_document(row))
        for key in keys:
            self._take(key)

    def __iter__(self) -> Any:
        return iter(list(self._keys.values()))

    def check(self, key: ApiKey) -> None:
        """ValueError for a malformed key or secret; nothing is changed."""
        if not _FORMAT.fullmatch(key.key):
            raise ValueError("a key has 16 to 64 letters and digits")
        _verifier_of(key)

    def put(self, key: ApiKey) -> None:
        """Add a key, or change one; ValueError for a malformed key or secret."""
        self.check(key)
        self._take(key)
        self._store()

    def revoke(self, key: str) -> None:
        """Remove a key; KeyError when there is none."""
        del self._keys[key]
        del self._verifiers[key]
        self._store()

    def find(self, key: str | None, address: str, now_ms: int, *, trades: bool = False) -> ApiKey:
        """The key, if it is good for this request from this address (-2014, -2015)."""
        if not key or not _FORMAT.fullmatch(key):
            raise refuse(-2014)
        found = self._keys.get(key)
        if (
            found is None
            or (found.expires_ms and now_ms >= found.expires_ms)
            or (found.addresses and address not in found.addresses)
            or (trades and not found.may_trade)
        ):
            raise refuse(-2015)
        return found

    def check_signature(self, key: ApiKey, payload: str, signature: str) -> None:
        """Refuse a signature that is not the key's (-1022)."""
        if not self._verifiers[key.key].is_genuine(payload, signature):
            raise refuse(-1022)

    def _take(self, key: ApiKey) -> None:
        verifier = _verifier_of(key)
        self._keys[key.key] = key
        self._verifiers[key.key] = verifier

    def _store(self) -> None:
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(key) for key in self._keys.values()], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _verifier_of(key: ApiKey) -> HmacVerifier | Ed25519Verifier:
    return Ed25519Verifier(key.secret) if key.is_ed25519 else HmacVerifier(key.secret)


def _from_document(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**{**row, "addresses": tuple(row["addresses"])})
