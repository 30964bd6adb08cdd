"""A crowd of random orders straight at the simulated exchange, over a recorded market: work for the fill checker.

Strategies take; a crowd also rests, cancels, modifies, waits for triggers and follows prices, from two accounts (one
in hedge mode) that compete for the same levels and prints, and meet each other. Seeded, so that a violation can be
repeated.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from src.infrastructure.market_data.frames import BookTicker
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.records import OrderRequest
from src.infrastructure.simulated_exchange.store import ExchangeStore

ACCOUNTS: Final = (1, 2)
HEDGED: Final = 2
FRAMES_BETWEEN: Final = 40
KINDS: Final = (
    *("MARKET", "IOC", "FOK", "GTC", "GTC", "GTC", "GTX", "GTD"),
    *("STOP_MARKET", "STOP", "TRAILING_STOP_MARKET", "CANCEL", "MODIFY"),
)
CONDITIONAL: Final = ("STOP_MARKET", "STOP", "TRAILING_STOP_MARKET")
HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class CrowdResult:
    """How many wishes there were, and how many the exchange refused."""

    wishes: int = 0
    refused: int = 0


def let_loose(exchange: Path, recordings: Sequence[Path], seed: int, wishes: int) -> CrowdResult:
    """Write an exchange's file: ``wishes`` random requests, spread over the recordings."""
    market = RecordedMarket(recordings)
    store = ExchangeStore(exchange, synchronous="OFF")
    try:
        engine = Engine(store, market.instruments.values(), cursor=market.cursor)
        for number in ACCOUNTS:
            engine.create_account(number, f"crowd-{number}")
            engine.deposit(number, "USDT", Decimal(10_000_000))
        engine.set_hedge_mode(HEDGED, True)
        return _Crowd(engine, seed).run(market, wishes)
    finally:
        store.close()
        market.close()


class _Crowd:
    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._draw = random.Random(seed)
        self._quotes: dict[str, BookTicker] = {}
        self._ticks = {one.symbol: one.tick_size for one in engine.instruments}
        self._result = CrowdResult()

    def run(self, market: RecordedMarket, wishes: int) -> CrowdResult:
        """Show every frame; now and then somebody wishes for something."""
        engine, result = self._engine, self._result
        frames = 0
        while (frame := market.next_frame()) is not None:
            engine.on_frame(frame)
            if type(frame[3]) is BookTicker:
                self._quotes[frame[3].symbol] = frame[3]
            frames += 1
            if frames % FRAMES_BETWEEN == 0 and result.wishes < wishes and self._quotes:
                result.wishes += 1
                try:
                    self._wish()
                except ExchangeError:
                    result.refused += 1
                engine.take_events()
        return result

    def _wish(self) -> None:
        draw, engine = self._draw, self._engine
        account = draw.choice(ACCOUNTS)
        symbol = draw.choice(sorted(self._quotes))
        kind = draw.choice(KINDS)
        if kind in ("CANCEL", "MODIFY"):
            self._change(account, symbol, kind)
            return
        side = draw.choice(("BUY", "SELL"))
        quantity = Decimal(draw.randint(10, 3_000)).scaleb(-3)
        is_limit = kind != "MARKET" and kind not in CONDITIONAL
        price = self._price(symbol, side)
        request = OrderRequest(
            symbol=symbol,
            side=side,
            type="LIMIT" if is_limit else kind,
            quantity=quantity,
            timestamp=engine.now_ms,
            price=price if is_limit or kind == "STOP" else None,
            trigger_price=price if kind in ("STOP_MARKET", "STOP") else None,
            time_in_force=kind if is_limit else None,
            callback_rate=Decimal("0.1") if kind == "TRAILING_STOP_MARKET" else None,
            good_till_ms=engine.now_ms + HOUR_MS if kind == "GTD" else 0,
            position_side=("LONG" if draw.random() < 0.5 else "SHORT") if account == HEDGED else "BOTH",
        )
        if kind in CONDITIONAL:
            engine.new_algo_order(account, request)
        else:
            engine.new_order(account, request)

    def _change(self, account: int, symbol: str, kind: str) -> None:
        engine = self._engine
        standing = engine.open_orders(account, symbol)
        if not standing:
            return
        order = self._draw.choice(standing)
        if kind == "CANCEL":
            engine.cancel_order(account, symbol, order_id=order["orderId"])
            return
        price = self._price(symbol, order["side"])
        quantity = Decimal(order["origQty"])
        engine.modify_order(account, symbol, quantity, price, engine.now_ms, order_id=order["orderId"])

    def _price(self, symbol: str, side: str) -> Decimal:
        """A price near the best of the order's own side: mostly behind it, sometimes across the spread."""
        quote = self._quotes[symbol]
        best = quote.bid_price if side == "BUY" else quote.ask_price
        away = self._draw.randint(-3, 6) * self._ticks[symbol]
        return best - away if side == "BUY" else best + away
