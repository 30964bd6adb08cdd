"""Builders of what the statistics are made of; a test names only what it is about."""

import random
from decimal import Decimal as D
from typing import Any

from src.domain.market.sides import OrderSide
from src.domain.performance.equity import DAY_MS, EquityMark, Flow
from src.domain.performance.executions import Execution
from src.domain.performance.funding import FundingPayment
from src.domain.performance.history import OpenLot, TradingHistory
from src.domain.positions.position import Position, RoundTrip

START_MS = 1_767_571_200_000  # 2026-01-05T00:00Z


def a_trip(net: str = "1", number: int = 1, **changed: Any) -> RoundTrip:
    """A round trip without commission whose result is ``net``."""
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "strategy_id": "rsi",
        "side": OrderSide.BUY,
        "quantity": D(1),
        "entry_price": D(100),
        "exit_price": D(100) + D(net),
        "pnl": D(net),
        "commission": D(0),
        "opened_ms": START_MS,
        "closed_ms": START_MS + 60_000,
        "entry_trade_id": 2 * number,
        "exit_trade_id": 2 * number + 1,
    }
    return RoundTrip(**{**values, **changed})


def an_execution(price: str | D = "101", **changed: Any) -> Execution:
    """A fill of one unit, decided at 100."""
    values: dict[str, Any] = {
        "at_ms": START_MS,
        "symbol": "BTCUSDT",
        "strategy_id": "rsi",
        "side": OrderSide.BUY,
        "price": D(price),
        "quantity": D(1),
        "realized_pnl": D(0),
        "commission": D("0.1"),
        "commission_asset": "USDT",
        "is_maker": False,
        "reference_price": D(100),
    }
    return Execution(**{**values, **changed})


def marks(*equities: str | D, every_ms: int = DAY_MS, start_ms: int = START_MS) -> list[EquityMark]:
    """Marks at equal distances."""
    return [EquityMark(start_ms + i * every_ms, D(equity)) for i, equity in enumerate(equities)]


def random_equities(seed: int, count: int) -> list[D]:
    """A random walk of an account's equity, with eight decimals as the exchange writes it."""
    draw = random.Random(seed)
    equity, found = D(10_000), []
    for _ in range(count):
        found.append(equity)
        equity = (equity * D(str(round(1 + draw.gauss(0.0004, 0.02), 8)))).quantize(D("1e-8"))
    return found


class World:
    """A seeded account that trades at random; its books are kept by the ledger's own positions."""

    def __init__(
        self, seed: int, fills: int, *, symbols: int = 2, strategies: int = 3, funding: float = 0.2
    ) -> None:
        self._draw = random.Random(seed)
        names = [f"strategy-{i}" for i in range(strategies)]
        positions = {f"S{i}USDT": Position(f"S{i}USDT") for i in range(symbols)}
        self.trips: list[RoundTrip] = []
        self.executions: list[Execution] = []
        self.funding: list[FundingPayment] = []
        at_ms = START_MS
        for number in range(1, fills + 1):
            # A third of the fills share their moment with the one before.
            at_ms += self._draw.choice((0, 40_000, 600_000))
            position = self._draw.choice(list(positions.values()))
            self._fill(position, self._draw.choice(names), number, at_ms)
            if self._draw.random() < funding:
                self.funding.append(FundingPayment(position.symbol, self._amount(), at_ms + 1))
        self.end_ms = at_ms
        self.lots = [
            OpenLot(each.symbol, lot.strategy_id, lot.quantity, lot.commission, lot.opened_ms, lot.trade_id)
            for each in positions.values()
            for lot in each.lots
        ]

    def _amount(self) -> D:
        return D(self._draw.randint(-(10**9), 10**9)).scaleb(-8)

    def _fill(self, position: Position, strategy: str, number: int, at_ms: int) -> None:
        side = self._draw.choice((OrderSide.BUY, OrderSide.SELL))
        price = D(self._draw.randint(9_000, 11_000)).scaleb(-2)
        quantity = D(self._draw.randint(1, 5_000)).scaleb(-3)
        commission = D(self._draw.randint(1, 10**7)).scaleb(-8)
        self.trips += position.apply_fill(side, price, quantity, commission, strategy, at_ms, number)
        self.executions.append(
            an_execution(
                at_ms=at_ms,
                symbol=position.symbol,
                strategy_id=strategy,
                side=side,
                price=price,
                quantity=quantity,
                commission=commission,
                realized_pnl=self._amount(),
            )
        )

    def history(self, *, shuffled_by: int | None = None) -> TradingHistory:
        """The account's history, in the order of time or shuffled."""
        parts: list[list[Any]] = [
            list(self.trips), list(self.lots), list(self.executions), list(self.funding),
        ]  # fmt: skip
        if shuffled_by is not None:
            for part in parts:
                random.Random(shuffled_by).shuffle(part)
        trips, lots, executions, funding = parts
        points = [
            EquityMark(at, D(10_000) + D(self._draw_at(at)))
            for at in range(START_MS, self.end_ms + 1, 60_000)
        ]
        transfers = [Flow(0, D(10_000))]
        return TradingHistory("USDT", trips, lots, executions, funding, transfers, points)

    @staticmethod
    def _draw_at(at_ms: int) -> int:
        return random.Random(at_ms).randint(-50, 50)
