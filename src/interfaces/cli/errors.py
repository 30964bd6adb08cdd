"""Exit codes, and how every failure becomes one line on stderr with its cause and its fix.

What a failure's class means is decided here alone; commands raise :class:`CommandFailed` only for what no layer
below them knows.
"""

import errno
import sys
from enum import IntEnum
from typing import Final

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Why a write fails where the disk is full, or what this user may have of it is."""
IN_ITS_PLACE: Final = frozenset({errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EADDRINUSE})
"""Why a file or folder cannot be had where something else has its name."""


class ExitCode(IntEnum):
    """What a script can tell from the end of a command."""

    OK = 0
    ERROR = 1
    NOT_FOUND = 2
    NOT_RUNNING = 3
    CONFIGURATION = 4
    TIMEOUT = 5
    INTERRUPTED = 130


class CommandFailed(Exception):
    """A command cannot do what was asked; one line with cause and fix."""

    def __init__(self, line: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(line)
        self.code = code


class NotAnswering(CommandFailed):
    """A process holds the account and does not answer: nobody else may act in its place."""

    def __init__(self, holder: str, account_id: str) -> None:
        super().__init__(
            f"{holder} holds account {account_id[:8]} but does not answer (it is stopped, busy, waits for a locked "
            "database, or is a program of its own): try again, or use emergency-close, which does without it",
            ExitCode.TIMEOUT,
        )
        self.holder = holder


def explain(error: BaseException) -> tuple[str, ExitCode]:
    """The line and the exit code of a failure."""
    from src.interfaces.cli.composition import ConfigurationError

    match error:
        case CommandFailed():
            return _text(error), error.code
        case ConfigurationError():
            first, *others = error.args or ("the configuration is wrong",)
            more = f" ({len(others)} more: `config check` lists all)" if others else ""
            return f"{_one_line(str(first))}{more}", ExitCode.CONFIGURATION
        case KeyboardInterrupt():
            return "interrupted", ExitCode.INTERRUPTED
        case TimeoutError():
            return (
                f"{_text(error)}: the running session did not answer in time, look at `status`",
                ExitCode.TIMEOUT,
            )
        case ConnectionRefusedError():
            return "no session is running: start one with start-session", ExitCode.NOT_RUNNING
        case ConnectionError():
            return f"{_text(error)}: look at `status`", ExitCode.ERROR
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}: {way_out(error)}", ExitCode.ERROR
        case _:
            return _explain_ours(error)


def way_out(error: OSError) -> str:
    """What a person does about it."""
    if error.filename and error.errno in IN_ITS_PLACE:
        return "move away what is in its place"
    return "free some space" if error.errno in NO_ROOM else "check the path and its permissions"


def _explain_ours(error: BaseException) -> tuple[str, ExitCode]:
    """Errors of the application and the domain; their modules are only loaded once something went wrong."""
    from src.application.ports.broker import BrokerError
    from src.application.ports.store import StoreError, StoreNotInitialised, StoreUnreachable
    from src.domain.shared.errors import DomainError

    if isinstance(error, StoreNotInitialised):
        return _text(error), ExitCode.NOT_FOUND
    if isinstance(error, StoreUnreachable):
        return _text(error), ExitCode.CONFIGURATION
    if isinstance(error, StoreError | BrokerError):
        return _text(error), ExitCode.ERROR
    if isinstance(error, DomainError | ValueError):
        return _text(error), ExitCode.CONFIGURATION
    line = f"unexpected {type(error).__name__}: {_text(error)}; run again with -v to see where"
    return line, ExitCode.ERROR


def explain_usage(message: str) -> str:
    """A wrong command line in our form; ``message`` is the parser's own sentence, or two with its suggestion."""
    line = _one_line(message).rstrip(".")
    line = line[:1].lower() + line[1:]
    line, _, suggestion = line.partition(". Did you mean ")
    return f"{line}{f' (did you mean {suggestion})' if suggestion else ''}: --help shows what there is"


def print_error(line: str) -> None:
    """Say it on stderr."""
    print(f"error: {line}", file=sys.stderr)


def print_warning(line: str) -> None:
    """Say on stderr what does not keep the command from its work."""
    print(f"warning: {line}", file=sys.stderr)


def _text(error: BaseException) -> str:
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return _one_line(str(text)) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())
