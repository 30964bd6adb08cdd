"""Everything the exchange has in memory, and what of it has changed since the last commit.

Closed orders, trades and postings live in the file only; here is what is open, so memory stays bounded however
long a run is.
"""

from dataclasses import dataclass, field
from heapq import heappush
from typing import Final

from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.ease import Ease
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import (
    MarketReference,
    Order,
    Posting,
    Trade,
    UserEvent,
)
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket

# How often the exchange looks at margins, in engine time.
LOOK_MS: Final = 1_000
DEADLINES_MAX: Final = 1_024


@dataclass(slots=True)
class Counters:
    """The last number given out, by kind. Durable: no number is ever given twice."""

    order: int = 0
    trade: int = 0
    algo: int = 0
    tran: int = 0
    event: int = 0
    stream: int = 0
    rank: int = 0


@dataclass(slots=True)
class Changes:
    """What the next commit stores, and the events that leave after it. ``state`` marks a change of no row."""

    orders: dict[int, Order] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    events: list[UserEvent] = field(default_factory=list)
    state: bool = False

    def __bool__(self) -> bool:
        return bool(self.state or self.orders or self.algos or self.postings)


class ExchangeState:
    """The exchange's memory. Times are in ms, amounts in units of 10⁻⁸.

    ``now_ms`` is engine time: the highest time any frame stated. ``next_funding_ms`` is 0 before the first one.
    ``countdowns`` are the dead-man switches: (account, symbol) → when they cancel. ``deadlines`` is a heap of the
    dates of GTD orders, (ms, order id, account), with those that ended before. ``has_trailed`` says that a trailing
    stop has seen a better price since the last commit. ``looked_s`` is the second (since the epoch) of the last look
    at margins, ``eases`` what it said of accounts, by number, as far as nothing was changed since.
    """

    __slots__ = (
        "accounts",
        "changes",
        "countdowns",
        "counters",
        "deadlines",
        "deadlines_max",
        "eases",
        "has_trailed",
        "looked_s",
        "markets",
        "next_funding_ms",
        "now_ms",
        "rules",
    )

    def __init__(self, rules: ExchangeRules, markets: dict[str, SymbolMarket]) -> None:
        self.rules = rules
        self.markets = markets
        self.accounts: dict[int, Account] = {}
        self.counters = Counters()
        self.changes = Changes()
        self.countdowns: dict[tuple[int, str], int] = {}
        self.deadlines: list[tuple[int, int, int]] = []
        self.deadlines_max = DEADLINES_MAX
        self.has_trailed = False
        self.looked_s = 0
        self.eases: dict[int, Ease] = {}
        self.now_ms = 0
        self.next_funding_ms = 0

    def market(self, symbol: str) -> SymbolMarket:
        """The market of ``symbol``; refused with -1121 when there is none."""
        market = self.markets.get(symbol)
        if market is None:
            raise refusal(-1121)
        return market

    def leverage(self, account: Account, symbol: str) -> int:
        """The leverage set for a symbol, or the default, as far as the symbol allows it."""
        found = account.leverage.get(symbol)
        if found is not None:
            return found
        return min(self.rules.leverage, self.markets[symbol].rules.leverage_max)

    def remember_date(self, order: Order) -> None:
        """Let a GTD order end at its date. Dates of orders that ended before are forgotten now and then."""
        heappush(self.deadlines, (order.good_till_ms, order.order_id, order.account))
        if len(self.deadlines) > self.deadlines_max:
            # One order may have been remembered more than once, each time it was modified.
            open_ones = {one for one in self.deadlines if one[1] in self.accounts[one[2]].orders}
            self.deadlines = sorted(open_ones)
            self.deadlines_max = max(DEADLINES_MAX, 2 * len(open_ones))

    def tell(self, account: int, kind: str, raw: str) -> None:
        """Send an event to an account's user stream when the commit is done."""
        self.counters.event += 1
        self.changes.events.append(UserEvent(account, self.counters.event, kind, raw))

    def book(
        self, account: Account, income_type: str, amount: int, asset: str, symbol: str = "", trade_id: int = 0
    ) -> int:
        """Change an account's wallet: one entry of two postings; return the number of the entry."""
        self.counters.tran += 1
        tran_id = self.counters.tran
        account.wallets[asset] = account.wallets.get(asset, 0) + amount
        common = (income_type, symbol, self.now_ms, trade_id)
        self.changes.postings.append(Posting(tran_id, "WALLET", account.number, asset, amount, *common))
        self.changes.postings.append(Posting(tran_id, income_type, account.number, asset, -amount, *common))
        return tran_id

    def end_algo(self, account: Account, algo: AlgoOrder, status: str) -> None:
        """Let a conditional order wait no longer: TRIGGERED, or an end of it. The stream is the caller's to tell."""
        self.markets[algo.symbol].triggers(algo.working_type).remove(algo)
        del account.algos[algo.algo_id]
        del account.algo_ids[algo.client_algo_id]
        algo.status = status
        algo.updated_ms = self.now_ms
        self.changes.algos[algo.algo_id] = algo

    def record_trade(
        self,
        order: Order,
        price: int,
        quantity: int,
        realized: int,
        commission: int,
        asset: str,
        is_maker: bool,
        reference: MarketReference,
        number: int,
    ) -> Trade:
        """Keep a trade for the commit, under its number or, for 0, under a new one."""
        if not number:
            self.counters.trade += 1
        trade = Trade(
            trade_id=number or self.counters.trade,
            account=order.account,
            symbol=order.symbol,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            side=order.side,
            position_side=order.position_side,
            price=price,
            quantity=quantity,
            realized=realized,
            commission=commission,
            commission_asset=asset,
            is_maker=is_maker,
            time_ms=self.now_ms,
            reference=reference,
        )
        self.changes.trades.append(trade)
        return trade
