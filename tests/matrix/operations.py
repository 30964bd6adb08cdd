"""Every operation of our broker, and in which phases it does not happen, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from src.domain.decisions.protective_terms import HANGING_MS
from tests.matrix.faults import ANY_EVENT, Family
from tests.matrix.phases import Phase

HANGING: Final = "hanging_stop"
BEYOND_THE_STOP: Final = Decimal("75000.0")
START, FLAT, ENTRY, POSITION, RECOVERY, STOPPING = Phase


@dataclass(frozen=True, slots=True)
class Operation:
    """``pattern`` and ``first`` say which calls or events of the exchange suffer the fault.

    ``never`` are phases without it. ``is_at_once``: executed on arrival, so that the exchange takes it twice;
    ``names_symbol``: its answer does. ``accident`` is an admin request with its body; the market goes to ``bid`` with
    it, and it is over after ``lasts_s``.
    """

    name: str
    family: Family
    pattern: str
    never: dict[Phase, str] = field(default_factory=dict)
    first: int = 1
    is_at_once: bool = False
    names_symbol: bool = True
    accident: tuple[str, dict[str, Any]] | None = None
    bid: Decimal | None = None
    lasts_s: float = 6.0


_NO_ENTRIES: Final = "entries are opened by a session that runs, and by no other"
_NO_POSITION: Final = "there is no position"
_NO_ENTRY: Final = "there is no resting entry"
_ONCE: Final = "it happens before a session runs, and never again"
_ENTRIES: Final = dict.fromkeys((START, RECOVERY, STOPPING), _NO_ENTRIES)
_WITHOUT_POSITION: Final = dict.fromkeys((FLAT, ENTRY), _NO_POSITION)
_ONLY_BEFORE: Final = dict.fromkeys((FLAT, ENTRY, POSITION, STOPPING), _ONCE)
_FOR_LONG: Final = {STOPPING: "a session stops in a moment, the key is kept alive in minutes"}


def _writes() -> Iterator[Operation]:
    write = Family.WRITE
    yield Operation("submit.market", write, "order.place", _ENTRIES, is_at_once=True)
    yield Operation("submit.limit", write, "order.place", _ENTRIES)
    started = dict.fromkeys((START, RECOVERY), "a start cancels and protects, and closes nothing")
    yield Operation("submit.exit", write, "order.place", _WITHOUT_POSITION | started, is_at_once=True)
    yield Operation("submit.stop", write, "algo.place")
    yield Operation("submit.target", write, "algo.place", first=2)
    no_entry = dict.fromkeys((START, FLAT), _NO_ENTRY)
    yield Operation("cancel.entry", write, "order.cancel", no_entry)
    yield Operation("cancel.stop", write, "algo.cancel", _WITHOUT_POSITION, names_symbol=False)
    unasked = dict.fromkeys(
        (RECOVERY, STOPPING), "an order is amended when somebody asks a session that runs"
    )
    yield Operation("modify", write, "order.modify", no_entry | unasked)


def _reads() -> Iterator[Operation]:
    read = Family.READ
    for name in ("orders.open", "algos.open", "trades.user", "positions"):
        yield Operation(name, read, name)
    for name in ("income", "balance", "time", "depth", "listen_key.start"):
        yield Operation(name, read, name, names_symbol=name == "income")
    yield Operation("symbol.config", read, "symbol.config", _WITHOUT_POSITION)
    unknown = {START: "a session that ended has left no order of unknown outcome"}
    for name in ("order.query", "algo.query", "algos.all"):
        yield Operation(name, read, name, unknown)
    at_once = {RECOVERY: "what a killed process sent is settled at the start, by a query"}
    yield Operation("orders.all", read, "orders.all", unknown | at_once)
    armed = dict.fromkeys((START, STOPPING), "without a resting entry nothing is armed")
    yield Operation("orders.countdown", read, "orders.countdown", armed)
    yield Operation("listen_key.keep", read, "listen_key.keep", _FOR_LONG, names_symbol=False)


def _settings() -> Iterator[Operation]:
    for name in ("position_mode", "brackets", "exchange_info", "klines", "key.restrictions"):
        yield Operation(name, Family.SETTING, name, _ONLY_BEFORE)


def _heard() -> Iterator[Operation]:
    for kind in ("ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE"):
        yield Operation(f"event.{kind}", Family.EVENT, f"stream.{kind}")
    yield Operation("event.any", Family.EVENT, ANY_EVENT)
    yield Operation("streams", Family.STREAMS, ANY_EVENT)
    yield Operation("clock", Family.CLOCK, "time")


def _accidents() -> Iterator[Operation]:
    btc = {"symbol": "BTCUSDT"}
    for name, request, body in (
        ("liquidation", "POST liquidation", {"account": 1, **btc}),
        ("adl", "POST adl", {"account": 1, **btc}),
        ("settlement", "POST settlement", {**btc, "price": "76000"}),
        ("funding", "POST funding", {**btc, "rate": "0.0003"}),
        ("manual_entry", "POST owner_trades", {"account": 1, **btc, "side": "BUY", "quantity": "0.02"}),
        ("manual_exit", "POST owner_trades", {"account": 1, **btc, "side": "SELL", "quantity": "0.01"}),
        ("key_revoked", "DELETE keys", {}),
        ("filters", "POST filters", {**btc, "step_size": "0.005", "quantity_min": "0.005"}),
        ("halt", "POST symbol_status", {**btc, "status": "SETTLING"}),
    ):
        needs = name in ("liquidation", "adl")
        never = _WITHOUT_POSITION if needs else {}
        yield Operation(name, Family.ACCOUNT, ANY_EVENT, never, accident=(request, body))
    hang = ("POST hanging_triggers", btc)
    yield Operation(
        *(HANGING, Family.ACCOUNT, ANY_EVENT, _WITHOUT_POSITION),
        accident=hang,
        bid=BEYOND_THE_STOP,
        lasts_s=HANGING_MS / 1_000 + 10,
    )


OPERATIONS: Final = (*_writes(), *_reads(), *_settings(), *_heard(), *_accidents())
