"""What keeps a session from being opened, as the command line tells it: one line with cause and fix."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from src.application.ports.store import StoreError
from src.application.trading.session_runner import ContradictingOptions
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.interfaces.cli.composition import ConfigurationError

FILES_MIN: Final = 64
"""How many files a process that opens a session must be allowed: an event loop without them ends in tracebacks."""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """A block that opens a session: raises ConfigurationError, or StoreError where an exchange's file is it."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < FILES_MIN:
        raise ConfigurationError(
            f"no more than {files} files may be open here: allow {FILES_MIN} by ulimit -n {FILES_MIN}"
        )
    try:
        yield
    except (SourceError, ContradictingOptions) as error:
        raise ConfigurationError(str(error)) from None
    except ExchangeFailure as error:
        raise StoreError(str(error)) from error
