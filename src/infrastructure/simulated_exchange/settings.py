"""What an account can set: leverage by symbol, and the dead-man switches."""

from src.infrastructure.simulated_exchange import event_writer, margin
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import Account
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.units import SCALE, text


def set_leverage(state: ExchangeState, account: Account, symbol: str, leverage: int) -> Answer:
    """Set a leverage the symbol allows (-4028) and the margin can carry (-2028)."""
    market = state.market(symbol)
    if not 1 <= leverage <= market.rules.leverage_max:
        raise refusal(-4028, leverage)
    before = state.leverage(account, symbol)
    if leverage < before:
        free = margin.available(state, account, market.rules.margin_asset)
        bound = margin.initial_margin(state, account, market)
        if bound * before // leverage - bound > free:
            raise refusal(-2028)
    if leverage != before:
        account.leverage[symbol] = leverage
        state.changes.state = True
        event_writer.tell_leverage(state, account, symbol, leverage)
    return {
        "symbol": symbol,
        "leverage": leverage,
        "maxNotionalValue": text(market.rules.market_quantity_max * market.rules.price_max // SCALE),
    }


def set_countdown(state: ExchangeState, account: Account, symbol: str, countdown_ms: int) -> None:
    """Arm the switch that cancels a symbol's ordinary orders ``countdown_ms`` from now, or disarm it with 0."""
    state.market(symbol)
    if countdown_ms < 0:
        raise refusal(-1130, "countdownTime")
    if countdown_ms:
        state.countdowns[account.number, symbol] = state.now_ms + countdown_ms
    else:
        state.countdowns.pop((account.number, symbol), None)
    state.changes.state = True
