"""Ledgers for tests: a snapshot that compares everything a ledger holds, and histories as hypothesis draws them."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve, open_ledger
from src.domain.ledger.state import Ledger, RecentOrder, SymbolBook
from src.domain.market.sides import OrderSide
from src.domain.money import ZERO
from src.domain.orders.client_order_ids import client_order_id
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentKind, ParentOrder, ParentTicket
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    ORDER_TRANSITIONS,
    AttemptTrigger,
    OrderTrigger,
)
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position
from src.domain.sessions.session import (
    SESSION_TRANSITIONS,
    SessionOptions,
    SessionTrigger,
    TradingSessionStatus,
)
from src.domain.sessions.trading_states import SymbolState, TradingTrigger

History = list[tuple[int, e.Event]]

ACCOUNT = e.AccountOpened("account-1", "abc", "paper", "USDT")
START_MS = 1_754_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def ledger_snapshot(ledger: Ledger, taken: Callable[[Any], Any] = asdict) -> dict[str, Any]:
    """A copy of everything that a ledger holds, to be compared with ``==``.

    ``taken`` copies one part; a ledger that nobody changes any more can do with its parts themselves, see
    :func:`itself`.

    Settled orders are left out, because they leave the working set with their commit; so are books and positions
    that were looked at and never touched. What is remembered of recent orders has no order within a moment.
    """
    orders = {name: order for name, order in ledger.orders.items() if not order.is_settled}
    return {
        "account": taken(ledger.account),
        "session": None if ledger.session is None else taken(ledger.session),
        "orders": {name: taken(order) for name, order in orders.items()},
        "order_ids": {key: name for key, name in ledger.order_ids.items() if name in orders},
        "positions": {
            key: taken(position) for key, position in ledger.positions.items() if position != Position(*key)
        },
        "symbols": {name: taken(book) for name, book in ledger.symbols.items() if book != SymbolBook(name)},
        "income_ids": set(ledger.income_ids),
        "recent_orders": sorted(ledger.recent_orders, key=_all_of),
        "parents": {
            name: _parent(parent) for name, parent in ledger.parents.items() if not parent.is_settled
        },
    }


def _all_of(order: RecentOrder) -> tuple[Any, ...]:
    """What it is sorted by: everything, with a price where it has none."""
    terms = order.symbol, order.side, order.quantity, order.price or ZERO
    return order.at_ms, *terms, order.strategy_id, order.purpose


def _parent(parent: ParentOrder) -> dict[str, Any]:
    """A parent with the names of its children, the settled ones left out like settled orders."""
    own = {field.name: getattr(parent, field.name) for field in fields(parent)}
    return own | {"children": {name for name, order in parent.children.items() if not order.is_settled}}


def itself(part: Any) -> Any:
    """The part, not copied."""
    return part


def a_ticket(**changes: Any) -> OrderTicket:
    """A market entry of 0.1 BTC, with changes."""
    ticket = OrderTicket(
        "BTCUSDT",
        OrderSide.BUY,
        OrderType.MARKET,
        Decimal("0.1"),
        Purpose.ENTRY,
        "sma_cross",
        Decimal(60_000),
    )
    return replace(ticket, **changes)


def a_parent_ticket(**changes: Any) -> ParentTicket:
    """A TWAP of 1 BTC in four slices over four minutes, with changes."""
    ticket = ParentTicket(
        ParentKind.TWAP,
        "BTCUSDT",
        OrderSide.BUY,
        Decimal(1),
        Purpose.ENTRY,
        "manual",
        Decimal(60_000),
        start_ms=START_MS,
        end_ms=START_MS + 240_000,
        slices=4,
    )
    return replace(ticket, **changes)


def an_intent(number: int = 1, ticket: OrderTicket | None = None, at_ms: int = START_MS) -> e.OrderIntended:
    """The ``number``-th order of :data:`ACCOUNT`, in its first epoch."""
    attempt = Attempt(client_order_id("abc", 1, number), at_ms, 5_000)
    signal = e.SignalNote("BUY", Decimal("0.8"), "fast above slow", (("fast", Decimal("60001.5")),))
    return e.OrderIntended(number, ticket or a_ticket(), attempt, "session-1", signal)


def a_fill(order: Order | e.OrderIntended, trade_id: int = 1, **changes: Any) -> e.FillBooked:
    """A taker's trade that fills the whole order at 60,000, with changes."""
    ticket = order.ticket
    fill = e.FillBooked(
        client_order_id=order.attempt.client_order_id,
        symbol=ticket.symbol,
        trade_id=trade_id,
        exchange_order_id=1_000 + trade_id,
        side=ticket.side,
        position_side=ticket.position_side,
        price=Decimal(60_000),
        quantity=ticket.quantity,
        realized_pnl=ZERO,
        commission=Decimal("2.4"),
        commission_asset="USDT",
        is_maker=False,
        traded_ms=START_MS,
        strategy_id=ticket.strategy_id,
    )
    return replace(fill, **changes)


def some_options(**changes: Any) -> SessionOptions:
    """Options of a paper session."""
    options = SessionOptions(
        portfolio_id="main",
        symbols=SYMBOLS,
        strategies=("sma_cross:fast=5,slow=20",),
        timeframe="1m",
        market="synthetic",
        sizing="percent:0.1",
        stop_loss_pct=Decimal("0.02"),
        take_profit_pct=Decimal("0.05"),
        use_market_orders=True,
        slippage_tolerance=Decimal("0.001"),
        leverage=1,
        seed=7,
    )
    return replace(options, **changes)


AMOUNTS = st.decimals(Decimal("-1000"), Decimal(1000), places=8)
QUANTITIES = st.decimals(Decimal("0.001"), Decimal(3), places=3)
PRICES = st.decimals(Decimal("0.1"), Decimal(90_000), places=1)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


class _Historian:
    """Draws one event after the other, each legal after those before it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.ledger = open_ledger(ACCOUNT)
        self.history: History = [(START_MS, ACCOUNT)]
        self.at_ms = START_MS
        self.trades = 0
        self.transactions = 0
        self.exchange_ids = 1_000
        self.sessions = 0

    def tell(self, event: e.Event) -> None:
        evolve(self.ledger, event, self.at_ms)
        self.history.append((self.at_ms, event))

    def step(self) -> None:
        """One drawn event, after a drawn time."""
        self.at_ms += self.draw(st.sampled_from((0, 1, 700, 61_000)))
        kinds = (self.intend, self.attempt, self.move, self.fill, self.fill, self.cancel, self.money)
        self.draw(st.sampled_from((*kinds, self.change, self.session, self.latch, self.report)))()

    def intend(self) -> None:
        draw = self.draw
        order_type = draw(st.sampled_from(OrderType))
        ticket = a_ticket(
            symbol=draw(st.sampled_from(SYMBOLS)),
            side=draw(st.sampled_from(OrderSide)),
            order_type=order_type,
            quantity=draw(QUANTITIES),
            purpose=draw(st.sampled_from(Purpose)),
            reference_price=draw(PRICES),
            limit_price=draw(PRICES) if order_type.has_limit else None,
            stop_price=draw(PRICES) if order_type.has_trigger else None,
            callback_pct=Decimal("0.01") if order_type is OrderType.TRAILING_STOP_MARKET else None,
            time_in_force=TimeInForce.GTC if order_type is OrderType.LIMIT else None,
            reduce_only=draw(st.booleans()),
            stop_loss_price=draw(st.none() | PRICES),
            take_profit_price=draw(st.none() | PRICES),
            reason=draw(WORDS),
        )
        intent = an_intent(self.ledger.account.next_intent, ticket, self.at_ms)
        self.tell(replace(intent, signal=intent.signal if draw(st.booleans()) else None))

    def some_order(self) -> Order | None:
        orders = list(self.ledger.orders.values())
        return self.draw(st.sampled_from(orders)) if orders else None

    def attempt(self) -> None:
        order = self.some_order()
        if order is None:
            return
        legal = list(ATTEMPT_TRANSITIONS[order.attempt_state])
        trigger = self.draw(st.sampled_from(legal))
        ends = trigger in (AttemptTrigger.REFUSED, AttemptTrigger.NOT_SENT, AttemptTrigger.PROVEN_DEAD)
        implied = OrderTrigger.REJECT if ends else OrderTrigger.ACCEPT
        if implied in ORDER_TRANSITIONS[order.status]:
            ids = self.new_ids(order) if trigger is AttemptTrigger.ACCEPTED else {}
            self.tell(e.AttemptMoved(order.client_order_id, trigger, reason=self.draw(WORDS), **ids))

    def new_ids(self, order: Order) -> dict[str, int]:
        self.exchange_ids += 1
        if order.ticket.order_type.is_conditional:
            return {} if order.algo_id is not None else {"algo_id": self.exchange_ids}
        return {} if order.exchange_order_id is not None else {"exchange_order_id": self.exchange_ids}

    def move(self) -> None:
        order = self.some_order()
        if order is None or not ORDER_TRANSITIONS[order.status]:
            return
        trigger = self.draw(st.sampled_from(list(ORDER_TRANSITIONS[order.status])))
        claimed = self.draw(st.sampled_from((ZERO, order.ticket.quantity / 2)))
        self.tell(e.OrderMoved(order.client_order_id, trigger, claimed, self.at_ms, reason=self.draw(WORDS)))

    def change(self) -> None:
        order = self.some_order()
        if order is not None and order.is_open and order.ticket.order_type is OrderType.LIMIT:
            terms = self.draw(PRICES), self.draw(QUANTITIES)
            self.tell(e.TermsChanged(order.client_order_id, *terms, self.at_ms))

    def fill(self) -> None:
        order = self.some_order()
        if order is None:
            return
        share = self.draw(st.sampled_from((Decimal("0.5"), Decimal(1), Decimal("1.5"))))
        quantity = order.ticket.quantity * share
        is_final = order.filled_quantity + quantity >= order.ticket.quantity
        trigger = OrderTrigger.FINAL_FILL if is_final else OrderTrigger.PARTIAL_FILL
        if trigger not in ORDER_TRANSITIONS[order.status]:
            return
        self.trades += self.draw(st.integers(1, 3))
        asset = self.draw(st.sampled_from(("USDT", "BNB")))
        self.tell(
            a_fill(
                order,
                self.trades,
                client_order_id=self.draw(
                    st.sampled_from((order.client_order_id, order.client_order_id, ""))
                ),
                quantity=quantity,
                price=self.draw(PRICES),
                realized_pnl=self.draw(AMOUNTS),
                commission=abs(self.draw(AMOUNTS)),
                commission_asset=asset,
                traded_ms=self.at_ms,
            )
        )

    def cancel(self) -> None:
        order = self.some_order()
        if order is None or not order.is_open:
            return
        self.tell(e.CancelRequested(order.client_order_id, self.draw(WORDS)))

    def money(self) -> None:
        draw = self.draw
        self.transactions += 1
        kind = draw(st.sampled_from(("FUNDING_FEE", "TRANSFER", "INSURANCE_CLEAR")))
        symbol = draw(st.sampled_from(SYMBOLS)) if kind == "FUNDING_FEE" else ""
        asset = draw(st.sampled_from(("USDT", "BNB")))
        self.tell(e.IncomeBooked(self.transactions, kind, asset, draw(AMOUNTS), symbol, self.at_ms))

    def session(self) -> None:
        draw, session = self.draw, self.ledger.session
        if session is None or (session.status is TradingSessionStatus.STOPPED and draw(st.booleans())):
            self.sessions += 1
            self.tell(e.SessionOpened(f"session-{self.sessions}", some_options(seed=self.sessions)))
            return
        trigger: SessionTrigger = draw(st.sampled_from(list(SESSION_TRANSITIONS[session.status])))
        self.tell(e.SessionMoved(session.id, trigger, draw(WORDS)))

    def latch(self) -> None:
        draw, account = self.draw, self.ledger.account
        symbol = draw(st.sampled_from(SYMBOLS))
        choices: tuple[e.Event, ...] = (
            e.TradingMoved(draw(st.sampled_from(TradingTrigger)), draw(WORDS), "a test"),
            e.SymbolMoved(symbol, draw(st.sampled_from(SymbolState)), draw(WORDS)),
            e.EpochStarted(account.epoch + 1),
            e.StreamOpened(account.stream_epoch + 1),
            e.StreamLost(account.stream_epoch, draw(WORDS)),
            e.TradesConfirmed(symbol, self.trades),
        )
        self.tell(draw(st.sampled_from(choices)))

    def report(self) -> None:
        draw = self.draw
        choices: tuple[e.Event, ...] = (
            e.DayStarted(draw(st.integers(20_000, 21_000)), draw(AMOUNTS)),
            e.EquityMarked(draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS)),
            e.OrderDenied(
                "BTCUSDT", OrderSide.BUY, draw(QUANTITIES), "rsi", "max_positions", "10", "10", draw(WORDS)
            ),
            e.RawReceived(1, draw(WORDS)),
            e.DifferenceFound(draw(WORDS), draw(WORDS), draw(WORDS), draw(WORDS)),
            e.RecoveryFinished(draw(WORDS), 1, 2, 3, 0, 0, draw(st.booleans())),
            e.AlarmRaised(draw(WORDS), draw(WORDS)),
        )
        self.tell(draw(st.sampled_from(choices)))


@st.composite
def histories(draw: st.DrawFn, max_steps: int = 40) -> History:
    """(time in ms, event) of one account, each event legal after those before it; the account's opening first."""
    historian = _Historian(draw)
    for _ in range(draw(st.integers(0, max_steps))):
        historian.step()
    return historian.history
