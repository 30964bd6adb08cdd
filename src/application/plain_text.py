"""Which text every store takes: PostgreSQL refuses a NUL, and each of them half of a surrogate pair."""


def plain(text: str) -> str:
    """The text without NULs, and a question mark for each half of a pair, as it comes of bytes that are no UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
