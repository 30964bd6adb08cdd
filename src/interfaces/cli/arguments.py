"""The command line before it is parsed: several values after one flag, and ``-v`` anywhere."""

from collections.abc import Sequence
from typing import Final

VERBOSE: Final = frozenset({"-v", "--verbose"})
_MANY: Final = ("--replay", "--bars", "--symbols", "--strategies")
"""Flags that take several values, each one more use of the flag to the parser."""


def split_verbose(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``-v`` and ``--verbose``, and whether one was there."""
    kept = [argument for argument in arguments if argument not in VERBOSE]
    return kept, len(kept) != len(arguments)


def repeat_flags(arguments: Sequence[str]) -> list[str]:
    """``--replay a b`` as ``--replay a --replay b``, for the flags that take several values."""
    repeated: list[str] = []
    flag = ""
    for argument in arguments:
        if argument.startswith("-"):
            name, equals, value = argument.partition("=")
            flag = name if name in _MANY else ""
            repeated += [flag, value] if flag and equals else [argument]
        elif flag and repeated[-1] != flag:
            repeated += [flag, argument]
        else:
            repeated.append(argument)
    return repeated
