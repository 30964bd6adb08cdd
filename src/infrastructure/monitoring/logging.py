"""Logs: one JSON object a line in ``logs/steadyhand.log``, secrets masked, never in the way of trading.

The program logs through the standard library, ``logging.getLogger("steadyhand.<part>")`` with fields in ``extra``, and
the standard library renders: structlog takes 80 ms to load and 33 µs a line, this 11 µs, and the first line may be
written while a session trades. Nothing logs per frame.
"""

import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from src.application.ports.event_bus import EventBus
from src.domain.ledger.events import OrderIntended
from src.infrastructure.monitoring.log_file import LogFile
from src.infrastructure.monitoring.masking import SecretMasker

PROGRAM: Final = "steadyhand"
TRADES: Final = "steadyhand.trades"

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has, or gets from another handler; the rest is what the caller gave in ``extra``."""

_STANDARD_FIRST: Final = len(logging.makeLogRecord({}).__dict__)
"""So many of a record's attributes are there before anybody adds one."""

_TOGETHER: Final = "own_fields"
"""Under this name a caller may give all fields as one: each that is given by itself is checked by the library."""

_FIELDS: Final[dict[type, tuple[str, ...]]] = {}
"""The names of an event's fields, by its type."""

_QUICK: Final = msgspec.json.Encoder(enc_hook=str)
_TOLERANT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
"""For what the quick one refuses: half a pair of surrogates, keys of any kind, numbers beyond 64 bits."""


class JsonLines(logging.Formatter):
    """Renders a record as one line of JSON: ts (UTC), level, logger, event, then the record's own fields."""

    def __init__(self, masker: SecretMasker) -> None:
        super().__init__()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "ts": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= _own_fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        masked = self._masker.fields(line)
        try:
            text = _QUICK.encode(masked).decode()
        except (TypeError, ValueError, OverflowError):
            text = _TOLERANT.encode(masked)
        # The last word is the text's: a secret may stand in a message, an exception or any object's spelling.
        return self._masker.text(text)


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    """A second since the epoch as ISO 8601 has it, UTC; lines come many to a second."""
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


class PlainLines(logging.Formatter):
    """Renders a record for a terminal: the time of day (UTC), the event, then the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%SZ")
        own = [f"{name}={value}" for name, value in _own_fields(record).items()]
        line = " ".join([moment, record.getMessage(), *own])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _own_fields(record: logging.LogRecord) -> dict[str, object]:
    """What the caller gave in ``extra``."""
    together: dict[str, object] | None = record.__dict__.get(_TOGETHER)
    if together is not None:
        return together
    added = islice(record.__dict__.items(), _STANDARD_FIRST, None)
    return {name: value for name, value in added if name not in _STANDARD}


def log_to_terminal(level: str) -> None:
    """Show the program's own log on stdout: for a server that has nothing else to show."""
    program = logging.getLogger(PROGRAM)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(PlainLines())
    program.addHandler(handler)
    program.setLevel(level)


def configure_logging(
    data_dir: Path, level: str, secrets: Iterable[str] = (), log_trades: bool = False
) -> LogFile:
    """Send every log of this process to files below ``data_dir``; ``secrets`` are values never to be written.

    Other libraries are heard from WARNING on. With ``log_trades``, ``logs/trading/trades.log`` gets the trades, which
    are not repeated in the main file. Repeating the call replaces the files.
    """
    _leave_out_what_no_line_says()
    kept = tuple(secrets)
    formatter = JsonLines(SecretMasker(kept))
    program = _installed(logging.getLogger(), data_dir / "logs" / "steadyhand.log", formatter)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger(PROGRAM).setLevel(level)
    configure_trades_log(data_dir, kept, log_trades)
    return program


def _leave_out_what_no_line_says() -> None:
    """Let records carry no thread, process or place in the code: the standard library's own advice for speed.

    Source: "Optimization" in its logging how-to. It takes an eighth off a line.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    setattr(logging, "_srcfile", None)  # noqa: B010 - the how-to's own switch, which type stubs do not know


def configure_trades_log(data_dir: Path, secrets: Iterable[str], log_trades: bool) -> None:
    """Send orders and fills to ``logs/trading/trades.log``, or nowhere; no other log of the process is touched."""
    trades = logging.getLogger(TRADES)
    trades.propagate = False
    trades.disabled = not log_trades
    trades.setLevel(logging.INFO)
    _installed(trades, data_dir / "logs" / "trading" / "trades.log", JsonLines(SecretMasker(secrets)))


def _installed(logger: logging.Logger, path: Path, formatter: logging.Formatter) -> LogFile:
    for handler in logger.handlers[:]:
        if isinstance(handler, LogFile):
            logger.removeHandler(handler)
            handler.close()
    file = LogFile(path)
    file.setFormatter(formatter)
    logger.addHandler(file)
    return file


_TOPICS: Final = {
    "session.moved": logging.INFO,
    "recovery.finished": logging.INFO,
    "order.denied": logging.INFO,
    "trading.moved": logging.WARNING,
    "symbol.moved": logging.WARNING,
    "difference.found": logging.WARNING,
    "alarm.raised": logging.ERROR,
}
"""What a log tells of a session, and how loudly; the journal has everything."""


def log_session(bus: EventBus) -> None:
    """Write a line for what moves the session, and for every order and fill into the trades' own file."""
    log = logging.getLogger(f"{PROGRAM}.session")

    def follow(topic: str, level: int) -> None:
        bus.subscribe(topic, lambda event: log.log(level, topic, extra={_TOGETHER: _fields(event)}))

    for topic, level in _TOPICS.items():
        follow(topic, level)
    follow_trades(bus)


def follow_trades(bus: EventBus) -> None:
    """Write a line for every order that is about to be sent, and for every fill."""
    trades = logging.getLogger(TRADES)
    filled, intended = "order.filled", "order.intended"
    bus.subscribe(filled, lambda event: trades.info(filled, extra={_TOGETHER: _fields(event)}))
    bus.subscribe(intended, lambda event: trades.info(intended, extra={_TOGETHER: _order(event)}))


def _order(event: OrderIntended) -> dict[str, object]:
    """What is ordered, in the words of a fill."""
    ticket = event.ticket
    return {
        "client_order_id": event.attempt.client_order_id,
        "symbol": ticket.symbol,
        "side": ticket.side,
        "order_type": ticket.order_type,
        "purpose": ticket.purpose,
        "quantity": ticket.quantity,
        "price": ticket.limit_price or ticket.stop_price,
        "strategy_id": ticket.strategy_id,
        "reason": ticket.reason,
    }


def _fields(event: object) -> dict[str, object]:
    """An event's fields; Decimals and enums become text when the line is rendered."""
    kind = type(event)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return {name: getattr(event, name) for name in names}
