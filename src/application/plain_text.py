"""Which text every store takes: PostgreSQL refuses a NUL, and each of them half of a surrogate pair."""

from contextlib import suppress


def plain(text: str) -> str:
    """The text without NULs, and a question mark for each half of a pair, as it comes of bytes that are no UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def first_line(stranger: object) -> str:
    """The first line of what a stranger's object says of itself, fit for every store; empty if it fails at that."""
    said = ""
    with suppress(Exception):  # its own code says it
        said = str(stranger)
    return plain(next(iter(said.splitlines()), ""))
