"""A proof in one pass that no entry rule objects, for the orders that break none: nearly all of them.

The rules stay what they are: one class each, asked one by one in :mod:`src.domain.risk.review`, and every refusal is
theirs. This module only says when asking them is not needed. What it says has to be true, not complete: each of its
conditions implies the rules named beside it, computed from what all of them share, with limits multiplied out when
the gate is made; where one does not hold, or the case is a rare one (hedge mode, conditional orders, limits that
make no sense), the rules decide. A property test compares it with them.

Why it is sound: Σ of the others' worst case and the symbol's own, ``total``, is never below the net exposure in
either direction nor below what any leverage in use divides, so one bound holds for leverage, net exposure and free
margin. Bounds that stand for a quotient have a slack of one millionth, against the last digit of its rounding.
"""

from collections import Counter
from decimal import Decimal
from typing import Final

from src.domain.ledger.state import AccountState, Ledger, SymbolBook
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.risk.rules.exposure import bracket_cap
from src.domain.risk.rules.market import by_direction
from src.domain.risk.rules.rates import entries_since, repeated
from src.domain.risk.rules.state import MANUAL
from src.domain.sessions.session import SessionOptions, TradingSession, TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_BOTH: Final = PositionSide.BOTH
_BUY: Final = OrderSide.BUY
_MARKET: Final = OrderType.MARKET
_LIMIT: Final = OrderType.LIMIT
_RUNNING: Final = TradingSessionStatus.RUNNING
_ACTIVE: Final = TradingState.ACTIVE
_TRADING: Final = SymbolState.TRADING
_SLACK: Final = Decimal("0.999999")
_NEVER: Final = Decimal("-Infinity")


Survey = tuple[Decimal, Decimal, int, int, int, Position | None]
"""The account in one pass: unrealised P&L of all positions, the other symbols' worst case (quote asset); how many of
them are exposed, and how many of those have no known correlation; positions looked at; the position of the order."""


class Clearance:
    """The pass for one set of limits. It remembers products of slow figures: day's start, peak, leverage."""

    __slots__ = (
        "_caps",
        "_factor",
        "_floor",
        "_is_usable",
        "_options",
        "_peak",
        "_start",
        "_value_max",
        "limits",
    )

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        at_least_zero = (
            limits.price_collar_pct,
            limits.slippage_pct_max,
            limits.position_size_pct,
            limits.order_value_max,
        )
        self._is_usable = (
            min(at_least_zero) >= 0 and min(limits.orders_per_minute_max, limits.orders_per_second_max) > 0
        )
        # Within the collar an order's price is at most so much above the mark price.
        self._value_max = limits.order_value_max / (1 + max(ZERO, limits.price_collar_pct)) * _SLACK
        self._options: SessionOptions | None = None
        self._factor = ZERO
        self._caps: dict[str, tuple[object, Decimal]] = {}
        self._start: Decimal | None = None
        self._peak: Decimal | None = None
        self._floor = _NEVER

    def holds(
        self,
        ledger: Ledger,
        view: MarketView,
        ticket: OrderTicket,
        instrument: Instrument,
        now_ms: int,
        confidence: Decimal | None,
        unenforced: Counter[str] | None,
    ) -> bool:
        """Whether no rule objects, for certain; then rules without data are counted in ``unenforced``, as they do.

        Asked here: session_state, trading_state, symbol_state, position_side, confidence, data_quality.
        """
        session, book = ledger.session, ledger.symbols.get(ticket.symbol)
        mark = view.mark_price(ticket.symbol)
        return (
            session is not None
            and book is not None
            and mark is not None
            and self._is_usable
            and session.status is _RUNNING
            and ledger.account.trading_state is _ACTIVE
            and book.state is _TRADING
            and ticket.position_side is _BOTH
            and not session.options.hedge_mode
            and (confidence is None or confidence >= self.limits.confidence_min)
            and view.opening_objection(ticket.symbol, now_ms) is None
            and self._is_sound(view, ticket, instrument, mark)
            and self._is_paced(ledger, ticket, now_ms)
            and self._is_carried(ledger, session, book, view, ticket, instrument, mark, unenforced)
        )

    def _is_sound(self, view: MarketView, ticket: OrderTicket, instrument: Instrument, mark: Decimal) -> bool:
        """filters (but the largest position), order_value, price_collar, slippage; market and limit orders only."""
        quantity, limit, reference = ticket.quantity, ticket.limit_price, ticket.reference_price
        limits, notional = self.limits, quantity * mark
        if notional > self._value_max or ticket.stop_price is not None:
            return False
        if abs((limit or reference) - mark) > limits.price_collar_pct * mark:
            return False
        if ticket.order_type is not _MARKET:
            return (
                ticket.order_type is _LIMIT and instrument.objection_to(quantity, limit, mark, False) is None
            )
        if not (
            instrument.quantity_min <= quantity <= instrument.market_quantity_max
            and notional >= instrument.notional_min
            and not (instrument.step_size and quantity % instrument.step_size)
        ):
            return False
        worst = view.worst_price(ticket.symbol, ticket.side is _BUY, quantity)
        return worst == reference or (
            worst is not None
            and (worst - reference) * ticket.side.sign <= limits.slippage_pct_max * reference
        )

    def _is_paced(self, ledger: Ledger, ticket: OrderTicket, now_ms: int) -> bool:
        """duplicate, open_orders, order_rate, repeated_execution."""
        limits, recent, amended = self.limits, ledger.recent_orders, ledger.amended_ms
        count, minute, second = len(recent), limits.orders_per_minute_max, limits.orders_per_second_max
        return (
            len(ledger.orders) < limits.open_orders_max
            and (not amended or amended[-1] <= now_ms - 60_000)
            and (count < minute or recent[-minute].at_ms <= now_ms - 60_000)
            and (count < second or recent[-second].at_ms <= now_ms - 1_000)
            and repeated(recent, ticket, now_ms - limits.duplicate_window_ms) is None
            and (
                count < limits.entries_per_minute_max
                or entries_since(recent, ticket, now_ms - 60_000) < limits.entries_per_minute_max
            )
        )

    def _is_carried(
        self,
        ledger: Ledger,
        session: TradingSession,
        book: SymbolBook,
        view: MarketView,
        ticket: OrderTicket,
        instrument: Instrument,
        mark: Decimal,
        unenforced: Counter[str] | None,
    ) -> bool:
        """position_owner, and all that it would do to the account: from position_size to volatility."""
        survey = self._survey(ledger, view, ticket, mark)
        if survey is None:
            return False
        pnl, gross, exposed, unknown, seen, position = survey
        limits, account = self.limits, ledger.account
        held = position.quantity if position is not None else ZERO
        buys, sells = book.pending_buy, book.pending_sell
        # The side that the order closes counts only if open orders may grow it, as in a review.
        if ticket.side is _BUY:
            largest, other = held + buys + ticket.quantity, sells - held if sells else ZERO
        else:
            largest, other = sells - held + ticket.quantity, held + buys if buys else ZERO
        largest = max(largest, other, ZERO)
        price = ticket.limit_price or ticket.reference_price
        worst = largest * (mark if mark >= price else price)
        total = worst + gross
        equity = account.wallet.get(account.settle_asset, ZERO) + pnl
        if session.options is not self._options:
            self._learn_options(session.options)
        if account.day_start_equity is not self._start or account.peak_equity is not self._peak:
            self._learn_losses(account)
        return (
            equity > self._floor
            and worst <= limits.position_size_pct * equity
            and total <= self._factor * equity
            and total <= limits.gross_exposure_max
            and largest <= instrument.market_quantity_max
            and worst <= self._cap(view, ticket.symbol)
            and (not held or position is None or ticket.strategy_id in (position.strategy_id, MANUAL))
            and (exposed < limits.positions_max or bool(held))
            and (
                exposed + 1 < limits.concentration_symbols_min
                or worst <= limits.concentration_pct_max * total
            )
            and (seen == len(ledger.positions) or _rest_is_flat(ledger))
            and self._is_calm(view, ticket.symbol, unknown, unenforced)
        )

    def _survey(self, ledger: Ledger, view: MarketView, ticket: OrderTicket, mark: Decimal) -> Survey | None:
        """The account in one pass; None for what the rules have to look at: a price that is missing, a correlation."""
        own, positions, limit = ticket.symbol, ledger.positions, self.limits.correlation_max
        pnl = gross = ZERO
        exposed = unknown = seen = 0
        own_position: Position | None = None
        for symbol, book in ledger.symbols.items():
            position = positions.get((symbol, _BOTH))
            held = ZERO
            if position is not None:
                seen += 1
                held = position.quantity
            if symbol == own:
                own_position = position
                if position is not None and held:
                    pnl += held * mark - position.cost
            elif held or book.pending_buy or book.pending_sell:
                price = view.mark_price(symbol)
                if price is None:
                    return None
                value = held * price
                buys, sells = book.pending_buy, book.pending_sell
                gross += max(value + buys * price, sells * price - value) if buys or sells else abs(value)
                exposed += 1
                if position is not None:
                    pnl += value - position.cost
                correlation = view.correlation(own, symbol)
                if correlation is None:
                    unknown += 1
                elif abs(correlation) > limit and _counted(correlation, ticket, held, book) > limit:
                    return None
        return pnl, gross, exposed, unknown, seen, own_position

    def _is_calm(self, view: MarketView, symbol: str, unknown: int, unenforced: Counter[str] | None) -> bool:
        """volatility; and, since everything else holds, the count of what could not be held to."""
        reading, limits = view.volatility(symbol), self.limits
        if reading is not None:
            usual = reading.usual
            if reading.now > limits.volatility_max:
                return False
            if usual is not None and reading.now > limits.volatility_ratio_max * usual:
                return False
        if unenforced is not None:
            if reading is None:
                unenforced["volatility"] += 1
            if unknown:
                unenforced["correlation"] += unknown
        return True

    def _learn_options(self, options: SessionOptions) -> None:
        """The largest multiple of equity that leverage, net_exposure and margin leave, at the lowest leverage set."""
        self._options = options
        self._caps.clear()
        lowest = min((options.leverage, *(each for _, each in options.leverages)))
        limits = self.limits
        factor = min(
            limits.leverage_max, limits.net_exposure_pct_max, (1 - limits.free_margin_pct_min) * lowest
        )
        # Where it is not above zero no order can be cleared; a multiple below zero would be turned by the slack.
        self._factor = factor * _SLACK if factor > 0 else _NEVER

    def _learn_losses(self, account: AccountState) -> None:
        """daily_loss, drawdown: equity has to be above this, and above zero."""
        self._start, self._peak = account.day_start_equity, account.peak_equity
        self._floor = max(
            ZERO,
            self._start - self.limits.daily_loss_pct_max * self._start,
            self._peak - self.limits.drawdown_pct_max * self._peak,
        )

    def _cap(self, view: MarketView, symbol: str) -> Decimal:
        """leverage_bracket and symbol_exposure: the largest notional, looked up once for a set of brackets."""
        brackets = view.brackets(symbol)
        known = self._caps.get(symbol)
        if known is None or known[0] is not brackets:
            assert self._options is not None, "the options were learnt"
            cap = bracket_cap(brackets, self._options.leverage_of(symbol))
            known = self._caps[symbol] = (brackets, min(cap, self.limits.symbol_exposure_max))
        return known[1]


def _counted(correlation: Decimal, ticket: OrderTicket, held: Decimal, book: SymbolBook) -> Decimal:
    long, short = held > 0 or book.pending_buy > 0, held < 0 or book.pending_sell > 0
    return by_direction(correlation, ticket.side is _BUY, long, short)


def _rest_is_flat(ledger: Ledger) -> bool:
    """Whether nothing is held beside the one-way positions of symbols with a book."""
    return all(
        not position.quantity or (side is _BOTH and symbol in ledger.symbols)
        for (symbol, side), position in ledger.positions.items()
    )
