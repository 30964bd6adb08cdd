"""Signatures of requests: HMAC-SHA256 as hex, Ed25519 as base64.

The signed text is the query string and the body as they stand on the wire, put together without a separator, less
the signature itself; over the WebSocket API it is the sorted parameters. Source: general info, "SIGNED endpoint
security"; since 2026-01-15 the text is signed percent-encoded, so nothing is decoded here.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def signed_part(encoded: str) -> str:
    """A query string or body without its signature."""
    head, found, tail = encoded.partition("signature=")
    if not found:
        return encoded
    if "&" not in tail and (not head or head[-1] == "&"):  # Nearly always it stands last.
        return head[:-1]
    return "&".join(part for part in encoded.split("&") if not part.startswith("signature="))


def sorted_payload(params: Mapping[str, Any]) -> str:
    """The text that is signed for the WebSocket API."""
    return "&".join(f"{name}={_spell(params[name])}" for name in sorted(params) if name != "signature")


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def hmac_signature(secret: str, payload: str) -> str:
    """The signature of ``payload`` as lower-case hex."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class HmacVerifier:
    """Checks signatures made with a shared secret."""

    def __init__(self, secret: str) -> None:
        self._template = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def is_genuine(self, payload: str, signature: str) -> bool:
        """Whether ``signature`` (hex, any case) is that of ``payload``."""
        digest = self._template.copy()
        digest.update(payload.encode())
        return hmac.compare_digest(digest.hexdigest(), signature.lower().encode("ascii", "replace").decode())


class Ed25519Verifier:
    """Checks signatures made with a private key; ``pem`` is its public key. ValueError if it is none."""

    def __init__(self, pem: str) -> None:
        try:
            key = load_pem_public_key(pem.encode())
        except UnsupportedAlgorithm as error:
            raise ValueError(str(error)) from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not an Ed25519 public key")
        self._key = key

    def is_genuine(self, payload: str, signature: str) -> bool:
        """Whether ``signature`` (base64, percent-encoded or not) is that of ``payload``."""
        try:
            self._key.verify(base64.b64decode(unquote(signature), validate=True), payload.encode())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True
