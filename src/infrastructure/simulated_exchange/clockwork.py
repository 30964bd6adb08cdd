"""What happens because time passes: funding, and the dead-man switches of countdownCancelAll.

Time is engine time. Funding falls due at multiples of the interval since the epoch; a jump over several pays each
of them, at the mark price known then. Payment = −position × mark × rate: the long side pays a positive rate.
"""

from typing import Final

from src.infrastructure.simulated_exchange import event_writer, placing
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, divide_half_even, to_units

FUNDING_FEE: Final = "FUNDING_FEE"


def run_due(state: ExchangeState) -> None:
    """Do everything that is due at engine time, in order."""
    for (number, symbol), at_ms in sorted(state.countdowns.items(), key=lambda item: (item[1], item[0])):
        if at_ms <= state.now_ms:
            del state.countdowns[number, symbol]
            placing.cancel_all(state, state.accounts[number], symbol)
            state.changes.state = True
    interval = state.rules.funding_interval_ms
    if not state.next_funding_ms:
        state.next_funding_ms = (state.now_ms // interval + 1) * interval
    while state.next_funding_ms <= state.now_ms:
        _pay_funding(state)
        state.next_funding_ms += interval


def next_due_ms(state: ExchangeState) -> int:
    """The engine time at which :func:`run_due` has something to do."""
    return min([state.next_funding_ms, *state.countdowns.values()])


def _pay_funding(state: ExchangeState) -> None:
    for account in state.accounts.values():
        for symbol, position in account.positions.items():
            if not position.quantity:
                continue
            market = state.markets[symbol]
            payment = _payment(market, position.quantity, _rate(state, market))
            if not payment:
                continue
            asset = market.rules.margin_asset
            state.book(account, FUNDING_FEE, payment, asset, symbol)
            event_writer.tell_account(
                state, account, FUNDING_FEE, asset, balance_change=payment, funding_symbol=symbol
            )


def _payment(market: SymbolMarket, quantity: int, rate: int) -> int:
    return divide_half_even(-quantity * market.mark() * rate, SCALE * SCALE)


def _rate(state: ExchangeState, market: SymbolMarket) -> int:
    return to_units(state.rules.funding_rate if market.funding_rate is None else market.funding_rate)
