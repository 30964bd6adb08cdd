"""What a position asks of a protective order: whether there is to be one, at which price, and what can be relied on.

Nothing here changes anything; :mod:`protection` places and cancels by it.
"""

from decimal import Decimal
from typing import Final

from src.domain.decisions.step import Step
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.money import is_multiple_of, round_price_down_to_tick, round_price_up_to_tick
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.positions.position import Position

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_STOP = Purpose.PROTECTIVE_STOP
_TRIGGERED, _IN_PART = OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED
_UNKNOWN, _NOT_ASKED = AttemptState.UNKNOWN, CancelState.NONE


def is_wanted(step: Step, position: Position, purpose: Purpose) -> bool:
    """Whether the position is to have such an order: asked for with the entry, or by percentage, and not waived."""
    if position.stop_waived if purpose is _STOP else position.target_waived:
        return False
    asked, share = _asked(step, position, purpose)
    return asked is not None or bool(share) or trails(step, position, purpose)


def trails(step: Step, position: Position, purpose: Purpose) -> bool:
    """Whether the stop follows the price: by policy, unless the entry asked for a price of its own."""
    is_stop = purpose is _STOP
    return is_stop and bool(step.policy.trailing_stop_pct) and position.stop_loss_price is None


def fits(step: Step, position: Position, purpose: Purpose, order: Order, *, exactly: bool = False) -> bool:
    """Whether the order triggers where the newest entry asked for; without such a wish any price will do.

    ``exactly`` says that none will but the one by percentage of the entry.
    """
    asked, _ = _asked(step, position, purpose)
    if asked is None:
        if not exactly or trails(step, position, purpose):
            return True
    elif order.ticket.stop_price == asked:
        return True
    instrument = step.view.instrument(position.symbol)
    if instrument is None:
        return True
    return order.ticket.stop_price == trigger_price(step, position, purpose, instrument)


def keeps_filters(step: Step, ticket: OrderTicket) -> bool:
    """Whether a protective order keeps to its symbol's filters as they are known now."""
    instrument, price = step.view.instrument(ticket.symbol), ticket.stop_price
    if instrument is None:
        return True
    if instrument.objection_to(ticket.quantity, None, ticket.reference_price, ticket.reduce_only) is not None:
        return False
    if price is None:
        return True
    return instrument.price_min <= price <= instrument.price_max and is_multiple_of(
        price, instrument.tick_size
    )


def _asked(step: Step, position: Position, purpose: Purpose) -> tuple[Decimal | None, Decimal]:
    """The price asked for with the entry, and the fraction of the average entry that holds without one."""
    if purpose is _STOP:
        return position.stop_loss_price, step.policy.stop_loss_pct
    return position.take_profit_price, step.policy.take_profit_pct


def is_bare(step: Step, position: Position) -> bool:
    """Whether a position is to have a stop, and the exchange is not known to hold one that covers it.

    Of one that misses a trade, or whose symbol is not listed any more, there is none to be placed.
    """
    if position.is_flat or position.misses_a_trade or step.view.instrument(position.symbol) is None:
        return False
    return is_wanted(step, position, _STOP) and not any(
        order.is_open
        and order.attempt_state is AttemptState.ACKED
        and order.ticket.purpose is _STOP
        and (order.symbol, order.ticket.position_side) == (position.symbol, position.position_side)
        and order.side is not position.side
        and covers(step, position, order)
        for order in step.ledger.orders.values()
    )


def covering_of(step: Step, position: Position, orders: list[Order]) -> list[Order]:
    """Those that can be counted on for the whole position."""
    return [order for order in orders if covers(step, position, order)]


def needless_beside(keeper: Order, orders: list[Order]) -> list[Order]:
    """Those of some orders, oldest first, that one which covers the whole position makes needless.

    A trailing stop begins at the present price, and no exchange is told where another has come to: the oldest few go on
    beside it for what they cover, or the stop would move back.
    """
    others = [order for order in orders if order is not keeper]
    if keeper.ticket.callback_pct is None:
        return others
    trailing = [o for o in others if o.ticket.callback_pct and o.status is OrderStatus.NEW and counts(o)]
    stay = {order.client_order_id for order in trailing[:TRAILING_BESIDE_MAX]}
    return [order for order in others if order.client_order_id not in stay]


TRAILING_BESIDE_MAX: Final = 5
"""An account may have 200 conditional orders, and a position may grow in more steps."""


def covers(step: Step, position: Position, order: Order) -> bool:
    """Whether an order of the closing side can be counted on for the whole position."""
    enough = order.remaining_quantity >= abs(position.quantity)
    return enough and counts(order) and hanging_ms(step, order) < HANGING_MS


def hanging_ms(step: Step, order: Order) -> int:
    """For how long a market order whose trigger was met is not over, ms of venue time since the last word of it.

    0 before, and for a limit. It trades at once and is over, or something is wrong: the news of it is lost, or the
    exchange is stuck (Binance's demo venue left orders TRIGGERING in October 2026, neither to be traded nor canceled).
    """
    ticket, status = order.ticket, order.status
    has_fired = status is _TRIGGERED or (status is _IN_PART and ticket.order_type.is_conditional)
    if not has_fired or ticket.limit_price is not None:
        return 0
    return max(0, step.now.venue_ms - order.updated_ms)


HANGING_MS: Final = 15_000
"""After so long another order is to protect the position. All are reduce-only: should they all fill, nothing opens."""


def counts(order: Order) -> bool:
    """Whether an order can be relied on: known to live, or on its way, and not asked to end."""
    return order.attempt_state is not _UNKNOWN and order.cancel_state is _NOT_ASKED


def trigger_price(step: Step, position: Position, purpose: Purpose, instrument: Instrument) -> Decimal:
    """Where the order triggers: as asked for with the entry, else by percentage of the average entry.

    Rounded towards the entry, so that rounding never widens the loss that a stop allows. Beyond the bounds of prices no
    order is taken, and the market hardly goes: there the bound is the price.
    """
    tick = instrument.tick_size
    asked, share = _asked(step, position, purpose)
    below = (position.side is OrderSide.BUY) is (purpose is _STOP)
    price = asked if asked is not None else position.entry_price * (1 - share if below else 1 + share)
    rounded = round_price_up_to_tick(price, tick) if below else round_price_down_to_tick(price, tick)
    if rounded > instrument.price_max:
        rounded = round_price_down_to_tick(instrument.price_max, tick)
    elif rounded < instrument.price_min:
        rounded = round_price_up_to_tick(instrument.price_min, tick)
    return max(rounded, tick)
