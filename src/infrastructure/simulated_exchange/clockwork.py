"""What happens because time passes: dead-man switches, dates of GTD orders, funding, and the look at margins.

Time is engine time. Once a second, as often as Binance states mark prices, every account's margin is looked at.
Funding falls due at multiples of the interval since the epoch; a jump over several pays each of them, at the mark
price known then. Payment = −position × mark × rate: the long side pays a positive rate.
"""

from decimal import Decimal
from heapq import heappop
from typing import Final

from src.infrastructure.simulated_exchange import canceling, event_writer, execution, liquidation
from src.infrastructure.simulated_exchange.records import CANCELED, NO_EXPIRY
from src.infrastructure.simulated_exchange.state import LOOK_MS, ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, divide_half_even, to_units

FUNDING_FEE: Final = "FUNDING_FEE"


def run_due(state: ExchangeState) -> None:
    """Do everything that is due at engine time, in order."""
    if state.countdowns:
        _run_countdowns(state)
    while state.deadlines and state.deadlines[0][0] <= state.now_ms:
        _, order_id, number = heappop(state.deadlines)
        order = state.accounts[number].orders.get(order_id)
        if order is not None:
            execution.end(state, order, CANCELED, NO_EXPIRY)
    if state.next_funding_ms <= state.now_ms:
        _pay_due(state)
    second = state.now_ms // LOOK_MS
    if second > state.looked_s:
        state.looked_s = second
        liquidation.look_at_margins(state)
        if state.has_trailed:
            state.changes.state = True


def _pay_due(state: ExchangeState) -> None:
    """Pay funding as often as it fell due; the first time only notes when that will be."""
    interval = state.rules.funding_interval_ms
    if not state.next_funding_ms:
        state.next_funding_ms = (state.now_ms // interval + 1) * interval
    while state.next_funding_ms <= state.now_ms:
        for market in state.markets.values():
            pay_funding(state, market)
        state.next_funding_ms += interval


def next_date_ms(state: ExchangeState) -> int:
    """The engine time at which :func:`run_due` has something to do besides its look of every second."""
    due = state.next_funding_ms
    if state.deadlines:
        due = min(due, state.deadlines[0][0])
    return min(due, *state.countdowns.values()) if state.countdowns else due


def _run_countdowns(state: ExchangeState) -> None:
    """Cancel for those whose sign of life did not come, the earliest first."""
    for (number, symbol), at_ms in sorted(state.countdowns.items(), key=lambda item: (item[1], item[0])):
        if at_ms <= state.now_ms:
            del state.countdowns[number, symbol]
            canceling.cancel_all(state, state.accounts[number], symbol)
            state.changes.state = True


def pay_funding(state: ExchangeState, market: SymbolMarket, rate: Decimal | None = None) -> None:
    """One symbol's funding to every account that holds it, at the market's rate or the one given."""
    units = _rate(state, market) if rate is None else to_units(rate)
    asset, symbol = market.rules.margin_asset, market.rules.symbol
    for account in state.accounts.values():
        for position in account.held(symbol):
            payment = _payment(market, position.quantity, units)
            if not payment:
                continue
            state.book(account, FUNDING_FEE, payment, asset, symbol)
            is_isolated = symbol in account.isolated
            if is_isolated:
                position.isolated_wallet += payment
            event_writer.tell_account(
                state,
                account,
                FUNDING_FEE,
                asset,
                [position] if is_isolated else (),
                balance_change=payment,
                funding_symbol=symbol,
            )


def _payment(market: SymbolMarket, quantity: int, rate: int) -> int:
    return divide_half_even(-quantity * market.mark() * rate, SCALE * SCALE)


def _rate(state: ExchangeState, market: SymbolMarket) -> int:
    return to_units(state.rules.funding_rate if market.funding_rate is None else market.funding_rate)
