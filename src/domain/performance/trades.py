"""Figures of closed trades, kept up to date one trade at a time.

A trade is one round trip: a lot, or a part of one, opened and closed. Its result is the price difference times the
quantity, less the commissions of both ends, plus its share of the funding that was paid while it was held.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from src.domain.money import ZERO
from src.domain.performance import ratios
from src.domain.positions.position import RoundTrip


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A round trip with its funding (quote asset, negative is paid)."""

    trip: RoundTrip
    funding: Decimal = ZERO

    @property
    def net_pnl(self) -> Decimal:
        """The result: price difference less commissions plus funding, in quote asset."""
        return self.trip.pnl - self.trip.commission + self.funding


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """What a number of trades came to. Money in quote asset, ``win_rate`` a fraction, ``average_held_ms`` venue time.

    ``pnl`` is before costs and ``net_pnl = pnl - commission + funding``. ``gross_loss``, ``average_loss`` and ``worst``
    keep their signs apart: the first two are amounts lost (not negative), ``best`` and ``worst`` are single results.
    """

    trades: int
    won: int
    lost: int
    pnl: Decimal
    commission: Decimal
    funding: Decimal
    net_pnl: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    payoff_ratio: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    best: Decimal | None
    worst: Decimal | None
    sqn: Decimal | None
    average_held_ms: int | None


class TradeTally:
    """Adds up trades; every call is O(1), and the order of the calls does not matter."""

    __slots__ = (
        "_best",
        "_commission",
        "_funding",
        "_gross_loss",
        "_gross_profit",
        "_held_ms",
        "_lost",
        "_net",
        "_pnl",
        "_squares",
        "_trades",
        "_won",
        "_worst",
    )

    def __init__(self) -> None:
        self._trades = self._won = self._lost = self._held_ms = 0
        self._pnl = self._commission = self._funding = self._net = self._squares = ZERO
        self._gross_profit = self._gross_loss = ZERO
        self._best: Decimal | None = None
        self._worst: Decimal | None = None

    @classmethod
    def of(cls, trades: Iterable[ClosedTrade]) -> "TradeTally":
        """A tally of trades."""
        tally = cls()
        for trade in trades:
            tally.add(trade.trip, trade.funding)
        return tally

    def add(self, trip: RoundTrip, funding: Decimal = ZERO) -> None:
        """Count one round trip and its funding (quote asset)."""
        net = trip.pnl - trip.commission + funding
        self._trades += 1
        self._pnl += trip.pnl
        self._commission += trip.commission
        self._funding += funding
        self._net += net
        self._squares += net * net
        self._held_ms += trip.closed_ms - trip.opened_ms
        if net > 0:
            self._won += 1
            self._gross_profit += net
        elif net < 0:
            self._lost += 1
            self._gross_loss -= net
        if self._best is None or net > self._best:
            self._best = net
        if self._worst is None or net < self._worst:
            self._worst = net

    def figures(self) -> TradeFigures:
        """The figures so far."""
        average_win = ratios.mean(self._gross_profit, self._won)
        average_loss = ratios.mean(self._gross_loss, self._lost)
        return TradeFigures(
            trades=self._trades,
            won=self._won,
            lost=self._lost,
            pnl=self._pnl,
            commission=self._commission,
            funding=self._funding,
            net_pnl=self._net,
            gross_profit=self._gross_profit,
            gross_loss=self._gross_loss,
            win_rate=ratios.win_rate(self._won, self._lost),
            profit_factor=ratios.profit_factor(self._gross_profit, self._gross_loss),
            # The mean result of a trade: Tharp's expectancy, in quote asset instead of multiples of risk.
            expectancy=ratios.mean(self._net, self._trades),
            payoff_ratio=ratios.payoff_ratio(average_win, average_loss),
            average_win=average_win,
            average_loss=average_loss,
            best=self._best,
            worst=self._worst,
            sqn=ratios.system_quality(self._net, self._squares, self._trades),
            average_held_ms=self._held_ms // self._trades if self._trades else None,
        )
