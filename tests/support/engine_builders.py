"""Builders for the simulated exchange: an engine with one rich account, market frames, requests."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.records import OrderRequest
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.store import ExchangeStore

START_MS = 1_789_478_300_000
ACCOUNT = 1
BTC = "BTCUSDT"


def an_instrument(symbol: str = BTC, **changes: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": symbol,
        "base_asset": symbol.removesuffix("USDT"),
        "quote_asset": "USDT",
        "tick_size": Decimal("0.10"),
        "step_size": Decimal("0.001"),
        "quantity_min": Decimal("0.001"),
        "quantity_max": Decimal("1000"),
        "market_quantity_max": Decimal("120"),
        "price_min": Decimal("556.80"),
        "price_max": Decimal("4529764"),
        "notional_min": Decimal("50"),
        "price_precision": 2,
        "quantity_precision": 3,
    }
    return Instrument(**(values | changes))


def an_engine(
    path: Path | str = ":memory:",
    *instruments: Instrument,
    rules: ExchangeRules | None = None,
    wallet: str = "100000",
    failpoint: Callable[[str], None] = lambda name: None,
    cursor: Callable[[], str] = lambda: "",
) -> Engine:
    """An engine over ``path``; a new file gets account 1 with ``wallet`` USDT, an old one is as it was left."""
    store = ExchangeStore(path, synchronous="OFF", failpoint=failpoint)
    engine = Engine(store, instruments or (an_instrument(),), rules=rules, cursor=cursor)
    if engine.account_id(ACCOUNT) is None:
        engine.create_account(ACCOUNT, "paper-1")
        engine.advance_time(START_MS)
        engine.deposit(ACCOUNT, "USDT", Decimal(wallet))
        engine.take_events()
    return engine


class Frames:
    """Market frames of one symbol with rising ids and times; prices and quantities may be given as text."""

    def __init__(self, symbol: str = BTC, start_ms: int = START_MS) -> None:
        self.symbol = symbol
        self.now_ms = start_ms
        self.line = 0
        self.update_id = 1000

    def _frame(self, event: MarketEvent) -> MarketFrame:
        self.line += 1
        return (self.now_ms * 1_000_000, 0, self.line, event)

    def _tick(self, after_ms: int) -> int:
        self.now_ms += after_ms
        self.update_id += 1
        return self.now_ms

    def ticker(
        self, bid: str, ask: str, bid_quantity: str = "5", ask_quantity: str = "5", after_ms: int = 1
    ) -> MarketFrame:
        now = self._tick(after_ms)
        return self._frame(
            BookTicker(
                self.symbol,
                Decimal(bid),
                Decimal(bid_quantity),
                Decimal(ask),
                Decimal(ask_quantity),
                self.update_id,
                now,
                now,
            )
        )

    def snapshot(
        self, bids: list[tuple[str, str]], asks: list[tuple[str, str]], after_ms: int = 1
    ) -> MarketFrame:
        now = self._tick(after_ms)
        return self._frame(DepthSnapshot(self.symbol, self.update_id, bids, asks, now, now))

    def depth(
        self, bids: list[tuple[str, str]], asks: list[tuple[str, str]], after_ms: int = 1
    ) -> MarketFrame:
        previous = self.update_id
        now = self._tick(after_ms)
        return self._frame(DepthUpdate(self.symbol, previous, self.update_id, previous, bids, asks, now, now))

    def trade(self, price: str, quantity: str, buyer_is_maker: bool = True, after_ms: int = 1) -> MarketFrame:
        now = self._tick(after_ms)
        return self._frame(
            TradePrint(
                self.symbol, self.update_id, Decimal(price), Decimal(quantity), buyer_is_maker, now, now
            )
        )

    def mark(self, price: str, rate: str = "0.0001", after_ms: int = 1) -> MarketFrame:
        now = self._tick(after_ms)
        return self._frame(MarkPrice(self.symbol, Decimal(price), Decimal(price), Decimal(rate), 0, now))


def a_request(engine: Engine, **changes: Any) -> OrderRequest:
    """A market order to buy 0.01 BTC, sent now; a price makes it LIMIT GTC, a trigger price STOP_MARKET."""
    values: dict[str, Any] = {
        "symbol": BTC,
        "side": "BUY",
        "type": "MARKET",
        "quantity": Decimal("0.01"),
        "timestamp": engine.now_ms,
    }
    for name in ("quantity", "price", "trigger_price"):
        if isinstance(changes.get(name), str):
            changes[name] = Decimal(changes[name])
    if "price" in changes:
        values |= {"type": "LIMIT", "time_in_force": "GTC"}
    if "trigger_price" in changes:
        values["type"] = "STOP_MARKET"
    return OrderRequest(**(values | changes))
