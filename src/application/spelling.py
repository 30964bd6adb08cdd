"""What somebody may have meant who names what there is not."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error, or nothing when no known name is close."""
    import difflib  # only an error needs it, and importing it is slow

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
