"""Trades and income are booked once, whoever tells of them, and whoever made them.

A trade that no order of ours made is booked like any other: the ledger must equal the exchange to the last digit. It
is told, and what else follows is the policy's to say.
"""

from decimal import Decimal

from src.domain.decisions.alarms import halt, restrict
from src.domain.decisions.amending import recognise_by_fills
from src.domain.decisions.effects import Reconcile
from src.domain.decisions.protection import protect
from src.domain.decisions.step import Step
from src.domain.decisions.trims import note_race
from src.domain.ledger import events as e
from src.domain.ledger.unconfirmed import cost_after
from src.domain.market.sides import trade_half
from src.domain.orders.news import FillReport
from src.domain.orders.order import Order
from src.domain.orders.types import OrderStatus
from src.domain.positions.external import EXTERNAL, ExternalPolicy
from src.domain.risk.rules import MANUAL


def book_fill(
    step: Step,
    fill: FillReport,
    order: Order | None,
    forced_by: str | None = None,
    *,
    others_follow: bool = False,
) -> bool:
    """Book a trade once; equal ids of a symbol are the same trade, which may be ours on both of its sides.

    ``forced_by`` says what the exchange did where the trade is of an order of its own. True says that later trades were
    booked first, so that guards by percentage stand at a wrong entry; where ``others_follow``, that is put right by the
    caller, once for all of them.
    """
    if is_booked(step, fill):
        return False
    uncounted = order is not None and _is_uncounted(order, fill)
    cost = _cost_in_turn(step, fill)
    position = step.ledger.position(fill.symbol, fill.position_side)
    was_wrong = cost is not None and cost != cost_after(position, fill)
    step.emit(
        e.make_fill_booked(
            client_order_id=order.client_order_id if order is not None else "",
            symbol=fill.symbol,
            trade_id=fill.trade_id,
            exchange_order_id=fill.exchange_order_id,
            side=fill.side,
            position_side=fill.position_side,
            price=fill.price,
            quantity=fill.quantity,
            realized_pnl=fill.realized_pnl,
            commission=fill.commission,
            # Without a commission none is told.
            commission_asset=fill.commission_asset or fill.margin_asset or step.ledger.account.settle_asset,
            is_maker=fill.is_maker,
            traded_ms=fill.traded_ms,
            strategy_id=order.ticket.strategy_id if order is not None else _owner(step, fill, forced_by),
            margin_asset="" if fill.margin_asset == step.ledger.account.settle_asset else fill.margin_asset,
            position_cost=cost,
        )
    )
    if order is not None:
        recognise_by_fills(step, order, order.filled_quantity, fill.traded_ms)
        if order.ticket.reduce_only:
            note_race(step, order, fill)
    _tell(step, fill, order, forced_by, uncounted)
    if position.misses_a_trade:
        step.do(Reconcile(f"a trade of {fill.symbol} {fill.position_side.value} has not been heard of"))
    protect(step, fill.symbol, fill.position_side, anew=was_wrong and not others_follow)
    return was_wrong


def _tell(step: Step, fill: FillReport, order: Order | None, forced_by: str | None, uncounted: bool) -> None:
    """Tell somebody of a trade that nobody would expect."""
    if order is None:
        _foreign_trade(step, fill, forced_by)
    elif order.filled_quantity > order.quantity_max and not order.ticket.close_position:
        restrict(step, fill.symbol, f"{order.client_order_id} was filled beyond its quantity")
    elif uncounted:
        text = f"trade {fill.trade_id} of {order.client_order_id} was not counted when that ended"
        step.emit(e.AlarmRaised(fill.symbol, text))


def _cost_in_turn(step: Step, fill: FillReport) -> Decimal | None:
    """What its position costs after a trade that is heard of behind later ones; None after one that is not."""
    if fill.trade_id >= step.ledger.symbol(fill.symbol).last_trade_id:
        return None
    unconfirmed = step.ledger.unconfirmed.get((fill.symbol, fill.position_side))
    return None if unconfirmed is None else unconfirmed.cost_with(fill)


def _is_uncounted(order: Order, fill: FillReport) -> bool:
    """Whether an order has ended with fewer trades than there are with this one."""
    has_ended = order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    return has_ended and order.filled_quantity + fill.quantity > order.claimed_quantity


def _owner(step: Step, fill: FillReport, forced_by: str | None) -> str:
    """Whose a trade is that no order of ours made."""
    if forced_by is not None or step.policy.limits.external_orders is not ExternalPolicy.ADOPT:
        return EXTERNAL
    position = step.ledger.position(fill.symbol, fill.position_side)
    return MANUAL if position.is_flat else position.strategy_id


def _foreign_trade(step: Step, fill: FillReport, forced_by: str | None) -> None:
    """Tell somebody; a forced trade halts whatever the policy says, as money ran out or a contract did."""
    text = f"trade {fill.trade_id} is of {forced_by or 'an order that is not ours'}"
    step.emit(e.AlarmRaised(fill.symbol, text))
    if forced_by is not None or step.policy.limits.external_orders is ExternalPolicy.HALT:
        halt(step, f"{fill.symbol}: {text}")


def is_booked(step: Step, fill: FillReport) -> bool:
    """Whether this half of the trade is in the books already."""
    book = step.ledger.symbol(fill.symbol)
    return (
        fill.trade_id <= book.confirmed_trade_id or trade_half(fill.trade_id, fill.side) in book.trade_halves
    )
