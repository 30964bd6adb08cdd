"""Logs: one JSON object a line in ``logs/steadyhand.log``, secrets masked, never in the way of trading.

The program logs through the standard library, ``logging.getLogger("steadyhand.<part>")`` with fields in ``extra``;
structlog renders. It is loaded with the first line that is written, since most commands write none and loading it
takes longer than they do. Nothing logs per frame.
"""

import logging
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any, Final

from src.application.ports.event_bus import EventBus
from src.domain.ledger.events import FillBooked
from src.infrastructure.monitoring.log_file import LogFile
from src.infrastructure.monitoring.masking import SecretMasker

PROGRAM: Final = "steadyhand"
TRADES: Final = "steadyhand.trades"


class JsonLines(logging.Formatter):
    """Renders a record as one line of JSON: ts (UTC), level, logger, event, then the record's own fields."""

    def __init__(self, masker: SecretMasker) -> None:
        super().__init__()
        self._masker = masker
        self._renderer: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        if self._renderer is None:
            self._renderer = self._make_renderer()
        # The last word is the text's: a secret may stand in a message, an exception or any object's spelling.
        return self._masker.text(self._renderer.format(record))

    def _make_renderer(self) -> logging.Formatter:
        import structlog

        def mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            # Underscored entries are the formatter's own.
            return {k: v if k.startswith("_") else self._masker.fields({k: v})[k] for k, v in event.items()}

        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[
                _add_time,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask,
                structlog.processors.EventRenamer("event"),
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ],
        )


def _add_time(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the record's own wall time first, in UTC."""
    from datetime import UTC, datetime

    # Another handler of the same record may have left its rendering of it.
    event.pop("message", None)
    moment = datetime.fromtimestamp(event["_record"].created, UTC)
    return {"ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), **event}


def configure_logging(
    data_dir: Path, level: str, secrets: Iterable[str] = (), log_trades: bool = False
) -> LogFile:
    """Send every log of this process to files below ``data_dir``; ``secrets`` are values never to be written.

    Other libraries are heard from WARNING on. With ``log_trades``, ``logs/trading/trades.log`` gets the trades, which
    are not repeated in the main file. Repeating the call replaces the files.
    """
    formatter = JsonLines(SecretMasker(secrets))
    program = _installed(logging.getLogger(), data_dir / "logs" / "steadyhand.log", formatter)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger(PROGRAM).setLevel(level)
    trades = logging.getLogger(TRADES)
    trades.propagate = False
    trades.disabled = not log_trades
    trades.setLevel(logging.INFO)
    _installed(trades, data_dir / "logs" / "trading" / "trades.log", formatter)
    return program


def _installed(logger: logging.Logger, path: Path, formatter: logging.Formatter) -> LogFile:
    for handler in logger.handlers[:]:
        if isinstance(handler, LogFile):
            logger.removeHandler(handler)
            handler.close()
    file = LogFile(path)
    file.setFormatter(formatter)
    logger.addHandler(file)
    return file


def log_fills(bus: EventBus) -> None:
    """Write a line for every fill that the bus tells of: what ``log_trades`` asks for."""
    trades = logging.getLogger(TRADES)

    def on_fill(event: object) -> None:
        assert isinstance(event, FillBooked), "the topic carries fills"
        trades.info("fill", extra=_fill_fields(event))

    bus.subscribe("order.filled", on_fill)


def _fill_fields(fill: FillBooked) -> dict[str, object]:
    return {
        "client_order_id": fill.client_order_id,
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "side": fill.side.value,
        "price": f"{fill.price:f}",
        "quantity": f"{fill.quantity:f}",
        "realized_pnl": f"{fill.realized_pnl:f}",
        "commission": f"{fill.commission:f}",
        "commission_asset": fill.commission_asset,
        "strategy_id": fill.strategy_id,
        "traded_ms": fill.traded_ms,
    }
