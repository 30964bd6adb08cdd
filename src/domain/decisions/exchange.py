"""Decisions about what the exchange tells us, by its stream or when asked: merge it into the ledger.

All of it is idempotent and may come in any order: fills are a set by (symbol, trade id, side), what an order claims to
be filled only grows, old news moves nothing. So a stream event, the same event again, and the read of a recovery
are worked in by the same functions.
"""

from src.domain.decisions import news as n
from src.domain.decisions.absences import FORGOTTEN, merge_absences
from src.domain.decisions.alarms import breach, halt, restrict
from src.domain.decisions.amending import deny_amendments, recognise_terms
from src.domain.decisions.effects import CancelOrder, Reconcile
from src.domain.decisions.fence import fence_seen
from src.domain.decisions.fills import book_fill, is_booked
from src.domain.decisions.income import book_income
from src.domain.decisions.orders import settle_unknown
from src.domain.decisions.protection import protect, protective_refused
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.state import PositionKey
from src.domain.money import ZERO
from src.domain.orders.client_order_ids import is_emergency, is_ours
from src.domain.orders.news import FillReport, IncomeReport, OrderNews, OrderReport, WalletMoved
from src.domain.orders.order import Order
from src.domain.orders.ticket import SIGNED_AHEAD_MS
from src.domain.orders.transitions import (
    BURIED,
    ORDER_TRANSITIONS,
    UNRESOLVED,
    AttemptState,
    AttemptTrigger,
    OrderTrigger,
)
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.positions.external import ExternalPolicy, forced
from src.domain.shared.transitions import next_state

_STATUS_TRIGGER = {
    OrderStatus.NEW: OrderTrigger.ACCEPT,
    OrderStatus.TRIGGERED: OrderTrigger.TRIGGER,
    # Fills move an order to these two; their own report only claims that there are some.
    OrderStatus.PARTIALLY_FILLED: OrderTrigger.ACCEPT,
    OrderStatus.FILLED: OrderTrigger.ACCEPT,
    OrderStatus.CANCELED: OrderTrigger.CANCEL,
    OrderStatus.EXPIRED: OrderTrigger.EXPIRE,
    OrderStatus.REJECTED: OrderTrigger.REJECT,
}


def stream_news(step: Step, news: n.StreamNews) -> None:
    """Keep the raw event first, whatever it means; then work in its meaning."""
    step.emit(e.RawReceived(news.stream_epoch, news.raw))
    _adopt(step, news.known)
    if news.trouble:
        step.emit(e.AlarmRaised("user stream", news.trouble))
        step.do(Reconcile(f"an event of the user stream could not be read: {news.trouble}"))
    for item in news.meaning:
        if isinstance(item, IncomeReport):
            book_income(step, item)
        elif isinstance(item, WalletMoved):
            _wallet_moved(step, item)
        else:
            _order_news(step, item)
    _dismiss(step, news.known)


def _wallet_moved(step: Step, news: WalletMoved) -> None:
    """Ask for what moved the wallet, unless the books say of it what the news says: the same news came before."""
    wallet = step.ledger.account.wallet
    if not news.balances or any(wallet.get(asset, ZERO) != amount for asset, amount in news.balances):
        step.do(Reconcile(f"the wallet changed: {news.reason}"))


def _dismiss(step: Step, known: tuple[Order, ...]) -> None:
    """Let the brought-back orders go again for which it was no news: memory holds what is at work."""
    for order in known:
        if step.ledger.orders.get(order.client_order_id) is order:
            step.ledger.dismiss(order)


def _adopt(step: Step, known: tuple[Order, ...]) -> None:
    """Bring back settled orders; one that came back since the store was asked is newer than the store's copy."""
    for order in known:
        if order.client_order_id not in step.ledger.orders:
            step.ledger.adopt_order(order)


def _order_news(step: Step, item: OrderNews) -> None:
    report = item.order
    order = step.ledger.orders.get(report.client_order_id)
    if order is None and is_emergency(report.client_order_id, step.ledger.account.namespace):
        # Its record is in the side journal, which is imported first; its trades are read after that.
        step.do(Reconcile(f"{report.client_order_id} was sent in an emergency"))
        return
    if order is None:
        _stranger(step, report)
        if item.fill is not None:
            book_fill(step, item.fill, None, forced(report.client_order_id))
        return
    _sighted(step, order, report)
    recognise_terms(step, order, report, is_read=False)
    if item.fill is not None:
        book_fill(step, item.fill, order)
    _status(step, order, report)
    if order.ticket.purpose is Purpose.FENCE:
        fence_seen(step, order)


def exchange_read(step: Step, news: n.ExchangeRead) -> None:
    """Merge a whole read: ids, then trades, then statuses, then income, then what was not found."""
    _adopt(step, news.known)
    held, wrong = _merge_fills(step, news.fills, _merge_sightings(step, news.orders), news.dead)
    for report in news.orders:
        order = step.ledger.orders.get(report.client_order_id)
        if order is not None:
            _status(step, order, report)
            if order.ticket.purpose is Purpose.FENCE:
                fence_seen(step, order)
    deny_amendments(step, news.unamended)
    for income in news.income:
        book_income(step, income)
    for symbol, trade_id in news.confirmed:
        last = min(trade_id, held[symbol] - 1) if symbol in held else trade_id
        if last > step.ledger.symbol(symbol).confirmed_trade_id:
            step.emit(e.TradesConfirmed(symbol, last))
    merge_absences(step, news)
    for symbol, side in list(step.ledger.positions):
        protect(step, symbol, side, anew=(symbol, side) in wrong)
    _dismiss(step, news.known)


def _merge_fills(
    step: Step, fills: tuple[FillReport, ...], names: dict[tuple[str, int], str], dead: tuple[str, ...]
) -> tuple[dict[str, int], set[PositionKey]]:
    """Book every trade that can be attributed; return the first one of each symbol that has to wait.

    And the positions whose guards by percentage stand at a wrong entry.

    A trade carries the exchange's id of its order, and its name where somebody else's order was asked for; the read may
    show that order as well. While an attempt of ours is unresolved, an id that nobody knows may be its: such a trade
    waits for the next read, which will know the order.
    """
    held: dict[str, int] = {}
    wrong: set[PositionKey] = set()
    for fill in fills:
        if is_booked(step, fill):
            continue
        key = (fill.symbol, fill.exchange_order_id)
        name = names.get(key) or step.ledger.order_ids.get(key) or fill.client_order_id or ""
        order = step.ledger.orders.get(name)
        is_named = fill.client_order_id is not None or key in names
        if order is None and not is_named and _may_be_ours(step, fill, dead):
            held[fill.symbol] = min(fill.trade_id, held.get(fill.symbol, fill.trade_id))
            step.do(Reconcile(f"trade {fill.trade_id} of {fill.symbol} may be of an unresolved order"))
            continue
        if order is not None and order.attempt_state is not AttemptState.ACKED and key not in names:
            _proven(step, order, fill.exchange_order_id, None)
        if book_fill(step, fill, order, forced(name) if order is None else None, others_follow=True):
            wrong.add((fill.symbol, fill.position_side))
    return held, wrong


def _may_be_ours(step: Step, fill: FillReport, dead: tuple[str, ...]) -> bool:
    """Whether an attempt that is neither found nor about to be declared dead could have made this trade."""
    return any(
        order.attempt_state in UNRESOLVED and order.client_order_id not in dead and may_be_of(order, fill)
        for order in step.ledger.orders.values()
    )


def may_be_of(order: Order, fill: FillReport) -> bool:
    """Whether a trade could be of an order, by symbol, side, position and time."""
    return (
        order.symbol == fill.symbol
        and order.side is fill.side
        and order.ticket.position_side is fill.position_side
        and fill.traded_ms > order.attempt.timestamp_ms - SIGNED_AHEAD_MS
    )


def _merge_sightings(step: Step, reports: tuple[OrderReport, ...]) -> dict[tuple[str, int], str]:
    """Settle every attempt that was seen; return the names of all orders by the exchange's ids, others' too."""
    by_exchange_id: dict[tuple[str, int], str] = {}
    for report in reports:
        if report.exchange_order_id is not None:
            by_exchange_id[(report.symbol, report.exchange_order_id)] = report.client_order_id
        order = step.ledger.orders.get(report.client_order_id)
        if order is None:
            _stranger(step, report)
            continue
        _sighted(step, order, report)
        recognise_terms(step, order, report, is_read=True)
    return by_exchange_id


def _stranger(step: Step, report: OrderReport) -> None:
    """An order that the journal does not know.

    In our own namespace it means a restored backup or a second instance (I1, I11): halt. A foreign one belongs to
    somebody else on the account; its fills are booked as external, and its symbol is watched by comparing positions.
    A forced one has its own words with its fill.
    """
    name = report.client_order_id
    if is_ours(name, step.ledger.account.namespace):
        text = f"{name} is ours by its name, but not in the journal"
        step.emit(e.AlarmRaised(name, f"I1: {text}"))
        halt(step, text)
        return
    strict = step.policy.limits.external_orders is ExternalPolicy.HALT
    if strict and not report.status.is_terminal and forced(name) is None:
        halt(step, f"{report.symbol}: order {name} is not ours")


def _sighted(step: Step, order: Order, report: OrderReport) -> None:
    """A sighting of an order settles whether its attempt happened; a refused one may be shown as rejected."""
    if order.attempt_state is AttemptState.REFUSED and report.status is OrderStatus.REJECTED:
        return
    _proven(step, order, report.exchange_order_id, report.algo_id)
    if order.attempt_state in BURIED and not report.status.is_terminal and not order.ticket.reduce_only:
        # A tombstone that lives: what may still open a position is ended, whatever else a person decides.
        step.do(CancelOrder(order.symbol, order.client_order_id, report.exchange_order_id is None))
    if not order.is_open and order.reason == FORGOTTEN and not report.status.is_terminal:
        restrict(step, order.symbol, f"{order.client_order_id} was taken for forgotten, and lives")
        if not order.ticket.reduce_only:
            step.do(CancelOrder(order.symbol, order.client_order_id, report.exchange_order_id is None))


def _proven(step: Step, order: Order, exchange_order_id: int | None, algo_id: int | None) -> None:
    """The exchange knows the order: its attempt happened, whatever we believed."""
    if order.attempt_state in UNRESOLVED:
        step.emit(e.AttemptMoved(order.client_order_id, AttemptTrigger.FOUND, exchange_order_id, algo_id))
        settle_unknown(step, order.symbol)
    elif order.attempt_state is not AttemptState.ACKED:
        breach(step, order)


def _has_triggered(order: Order, report: OrderReport) -> bool:
    """Whether this is the ordinary order that a trigger made of a conditional one, whose own word may be lost."""
    return order.ticket.order_type.is_conditional and report.exchange_order_id is not None


def _status(step: Step, order: Order, report: OrderReport) -> None:
    """Move the order as the exchange says, ask for trades it claims and we lack, look after protection."""
    trigger = _STATUS_TRIGGER[report.status]
    if trigger is OrderTrigger.ACCEPT and _has_triggered(order, report):
        trigger = OrderTrigger.TRIGGER
    if (
        report.status is OrderStatus.FILLED
        and order.is_open
        and order.filled_quantity >= report.filled_quantity > 0
    ):
        # Every trade it claims is booked, and yet it is open here: its quantity was another than we believed.
        trigger = OrderTrigger.FINAL_FILL
    if trigger not in ORDER_TRANSITIONS[order.status]:
        restrict(
            step,
            order.symbol,
            f"{order.client_order_id} is {order.status.value}, the exchange says {report.status.value}",
        )
        return
    moves = next_state(ORDER_TRANSITIONS, order.status, trigger) is not order.status
    learns = report.exchange_order_id not in (None, order.exchange_order_id) or report.algo_id not in (
        None,
        order.algo_id,
    )
    if moves or learns or report.filled_quantity > order.claimed_quantity:
        step.emit(
            e.make_order_moved(
                order.client_order_id,
                trigger,
                report.filled_quantity,
                report.updated_ms,
                report.exchange_order_id,
                report.algo_id,
                report.reason,
            )
        )
    if order.claimed_quantity > order.filled_quantity:
        step.do(Reconcile(f"{order.client_order_id} claims fills that have not arrived"))
    if not moves:
        return
    if order.ticket.purpose.is_protective and order.status is OrderStatus.REJECTED:
        protective_refused(step, order, 0)
    protect(step, order.symbol, order.ticket.position_side)
