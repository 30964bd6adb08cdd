"""Keeps secrets out of what is written down: by the names of fields, by registered values, by shape in any text."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

MASK: Final = "********"

_NAMES: Final = re.compile(
    r"secret|passw|passphrase|token|api_?key|private_?key|listen_?key|signature|authorization|credential|cookie",
    re.IGNORECASE,
)
_SHORTEST: Final = 6
"""A registered value shorter than this would blot out ordinary words."""
_IN_TEXT: Final = re.compile(
    r"""((?:signature|listenKey|api_?key|apiSecret|secret|password|token)\\*["']?\s*[=:]\s*\\*["']?)[^&\s"'\\,;}]+"""
    r"""|(://[^/\s:@"']*:)[^/\s@"']+(?=@)""",
    re.IGNORECASE,
)
_HINTS: Final = (
    "signature",
    "listenkey",
    "apikey",
    "api_key",
    "apisecret",
    "secret",
    "password",
    "token",
    "://",
)
"""Without one of these in a text, in lower case, the pattern above cannot match; looking for them is quicker."""


_NESTED: Final = (dict, list, tuple)


@cache
def _is_secret_name(name: object) -> bool:
    return _NAMES.search(str(name)) is not None


@cache
def _is_nested(kind: type) -> bool:
    return issubclass(kind, _NESTED)


class SecretMasker:
    """Replaces secrets by a mask of one length; knows the values that were registered."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: tuple[str, ...] = ()
        self.register(*values)

    def register(self, *values: str) -> None:
        """Never write these values from now on, wherever they stand."""
        known = {*self._values, *(value for value in values if len(value) >= _SHORTEST)}
        # The longest first: a secret may be a part of another.
        self._values = tuple(sorted(known, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without registered values, and without what follows ``signature=`` and its kind."""
        for value in self._values:
            text = text.replace(value, MASK)
        lowered = text.lower()
        for hint in _HINTS:
            if hint in lowered:
                return _IN_TEXT.sub(lambda match: (match[1] or match[2]) + MASK, text)
        return text

    def fields(self, value: Any) -> Any:
        """The same structure with the values of secretly named fields masked; texts are not looked into."""
        if isinstance(value, dict):
            if not (any(map(_is_secret_name, value)) or any(map(_is_nested, map(type, value.values())))):
                return value
            return {
                name: MASK
                if inner and _is_secret_name(name)
                else self.fields(inner)
                if isinstance(inner, _NESTED)
                else inner
                for name, inner in value.items()
            }
        return [self.fields(inner) for inner in value] if isinstance(value, _NESTED) else value
