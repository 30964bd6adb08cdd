"""Is a ticket sound before anybody reviews or sends it: what the exchange would refuse, in one line, with the way out.

Filters of price and quantity are the risk rules' business; here are the prices that only some kinds of order have.
Sources: Binance USDⓈ-M New Algo Order (callbackRate) and New Order (goodTillDate).
"""

from decimal import Decimal
from typing import Final

from src.domain.market.instrument import Instrument
from src.domain.money import is_multiple_of
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType
from src.domain.positions.position import Position

CALLBACK_MIN: Final = Decimal("0.001")
CALLBACK_MAX: Final = Decimal("0.2")
GOOD_TILL_LEAD_MS: Final = 600_000
GOOD_TILL_MAX_MS: Final = 253_402_300_799_000
"""The last second of the year 9999."""
_WHOLE: Final = Decimal(1)
_PRICES: Final = ("stop_price", "activation_price", "stop_loss_price", "take_profit_price")


def unsoundness(ticket: OrderTicket, instrument: Instrument, venue_ms: int) -> str | None:
    """The first thing that is wrong with a ticket, in one line; None when nothing is."""
    for name in _PRICES:
        price = getattr(ticket, name)
        if price is not None and not is_multiple_of(price, instrument.tick_size):
            what = name.removesuffix("_price").replace("_", " ")
            return f"the {what} {price:f} is off the tick of {instrument.tick_size:f}: write a multiple of it"
    return misplaced_protection(ticket) or _trail(ticket) or _date(ticket, venue_ms)


def unsound_protection(
    position: Position,
    stop: Decimal | None,
    target: Decimal | None,
    market: Decimal | None,
    instrument: Instrument,
) -> str | None:
    """What is wrong with a new stop or target of a position, in one line; None when nothing is.

    One that the ``market`` (the price at which the position would be closed) has reached would end it at once.
    """
    sign = position.side.sign
    for what, price, direction in (("stop loss", stop, -sign), ("take profit", target, sign)):
        if price is None:
            continue
        if not instrument.price_min <= price <= instrument.price_max:
            return f"the {what} {price:f} is outside {instrument.price_min:f} to {instrument.price_max:f}"
        if market is not None and (price - market) * direction <= 0:
            where, held = "above" if direction > 0 else "below", "long" if sign > 0 else "short"
            return f"the {what} {price:f} of a {held} position must be {where} the market at {market:f}"
    return None


def misplaced_protection(ticket: OrderTicket, entry: Decimal | None = None) -> str | None:
    """A stop stands on the losing side of the entry, a target on the winning one; why these do not, in one line.

    ``entry`` is the price that the ticket would trade at, if it is another than the one that it names.
    """
    entry = entry or ticket.limit_price or ticket.stop_price or ticket.reference_price
    sign = ticket.side.sign
    stop, target = ticket.stop_loss_price, ticket.take_profit_price
    if stop is not None and (entry - stop) * sign <= 0:
        where = "below" if sign > 0 else "above"
        return f"the stop loss {stop:f} of a {ticket.side.value} must be {where} its entry at {entry:f}"
    if target is not None and (target - entry) * sign <= 0:
        where = "above" if sign > 0 else "below"
        return f"the take profit {target:f} of a {ticket.side.value} must be {where} its entry at {entry:f}"
    return None


def nearest_share(stop_pct: Decimal, target_pct: Decimal) -> tuple[Decimal, str]:
    """The smaller of two distances from an entry (fractions of its price, zero: none), and whose it is."""
    shares = ((stop_pct, "stop"), (target_pct, "target"))
    return min((each for each in shares if each[0]), default=(_WHOLE, ""))


def too_near(price: Decimal, tick: Decimal, nearest: tuple[Decimal, str]) -> str | None:
    """Why what :func:`nearest_share` tells cannot be kept from an entry at ``price``, in one line; None when it can.

    A stop or target nearer than a tick would be placed at the entry, and close the position at once.
    """
    share, what = nearest
    if price * share >= tick:
        return None
    return f"a {what} of {share:f} of the price is nearer than its tick, {tick:f}"


def _trail(ticket: OrderTicket) -> str | None:
    callback = ticket.callback_pct
    if callback is None:
        return None
    if not CALLBACK_MIN <= callback <= CALLBACK_MAX or not is_multiple_of(callback, CALLBACK_MIN):
        return f"a callback of {callback:f} cannot be: write 0.001 to 0.2 (a tenth to twenty percent) in steps of 0.001"
    activation, reference = ticket.activation_price, ticket.reference_price
    if activation is not None and (reference - activation) * ticket.side.sign <= 0:
        where = "below" if ticket.side.sign > 0 else "above"
        return f"a trailing {ticket.side.value} is activated {where} the market at {reference:f}, not at {activation:f}"
    return None


def _date(ticket: OrderTicket, venue_ms: int) -> str | None:
    date = ticket.good_till_ms
    if date is not None and date < venue_ms + GOOD_TILL_LEAD_MS:
        return f"a GTD order lasts at least {GOOD_TILL_LEAD_MS // 1_000} s: the date is {date - venue_ms} ms from now"
    if date is not None and date > GOOD_TILL_MAX_MS:
        return f"a GTD order ends in the year 9999 at the latest: {date} is no date in ms since 1970"
    if ticket.time_in_force is not None and ticket.order_type in _AT_THE_MARKET:
        return (
            f"a {ticket.order_type.value} order has no time in force: leave {ticket.time_in_force.value} out"
        )
    return None


_AT_THE_MARKET: Final = frozenset(
    {
        OrderType.MARKET,
        OrderType.STOP_MARKET,
        OrderType.TAKE_PROFIT_MARKET,
        OrderType.TRAILING_STOP_MARKET,
    }
)
