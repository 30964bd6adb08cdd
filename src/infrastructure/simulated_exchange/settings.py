"""What an account can set: leverage, margin type and margin by symbol, its position mode, and the dead-man switches."""

from decimal import Decimal

from src.infrastructure.simulated_exchange import answers, event_writer, margin
from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.brackets import cap_at
from src.infrastructure.simulated_exchange.checks import checked_precision
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import BOTH, CROSSED, ISOLATED, LONG, SHORT
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.units import divide_half_even, text

ADD: int = 1
REDUCE: int = 2


def set_leverage(state: ExchangeState, account: Account, symbol: str, leverage: int) -> Answer:
    """Set a leverage the symbol allows (-4028), its positions fit (-2027), and the margin can carry (-2028).

    With an isolated position it can only rise (-4161).
    """
    market = state.market(symbol)
    brackets = market.rules.brackets
    if not 1 <= leverage <= brackets[0].leverage:
        raise refusal(-4028, leverage)
    before = state.leverage(account, symbol)
    cap = cap_at(brackets, leverage)
    if leverage < before:
        if symbol in account.isolated and account.held(symbol):
            raise refusal(-4161)
        free = margin.available(state, account, market.rules.margin_asset)
        bound = margin.initial_margin(state, account, market)
        if divide_half_even(bound * before, leverage) - bound > free:
            raise refusal(-2028)
    elif leverage > before and max(margin.notional_after(account, market)) > cap:
        raise refusal(-2027)
    if leverage != before:
        account.leverage[symbol] = leverage
        state.changes.state = True
        event_writer.tell_leverage(state, account, symbol, leverage)
    return {"symbol": symbol, "leverage": leverage, "maxNotionalValue": text(cap)}


def set_margin_type(state: ExchangeState, account: Account, symbol: str, margin_type: str) -> Answer:
    """CROSSED or ISOLATED; another than now (-4046), without open orders (-4047) and without position (-4048)."""
    state.market(symbol)
    if margin_type not in (CROSSED, ISOLATED):
        raise refusal(-1130, "marginType")
    if (margin_type == ISOLATED) is (symbol in account.isolated):
        raise refusal(-4046)
    symbols = [order.symbol for order in account.orders.values()]
    if symbol in symbols or symbol in [algo.symbol for algo in account.algos.values()]:
        raise refusal(-4047)
    if account.held(symbol):
        raise refusal(-4048)
    if margin_type == ISOLATED:
        account.isolated.add(symbol)
    else:
        account.isolated.discard(symbol)
    state.changes.state = True
    sides = (LONG, SHORT) if account.is_hedged else (BOTH,)
    positions = [account.look_at(symbol, side) for side in sides]
    asset = state.markets[symbol].rules.margin_asset
    event_writer.tell_account(state, account, "MARGIN_TYPE_CHANGE", asset, positions)
    return answers.success()


def set_hedge_mode(state: ExchangeState, account: Account, enabled: bool) -> Answer:
    """Keep LONG and SHORT apart, or not; another than now (-4059), without open orders (-4067) or positions (-4068)."""
    if enabled is account.is_hedged:
        raise refusal(-4059)
    if account.orders or account.algos:
        raise refusal(-4067)
    if any(account.every_held()):
        raise refusal(-4068)
    account.is_hedged = enabled
    state.changes.state = True
    return answers.success()


def change_position_margin(
    state: ExchangeState, account: Account, symbol: str, position_side: str, amount: Decimal, kind: int
) -> Answer:
    """Give an isolated position margin (``kind`` 1) from the cross wallet, or take back (2) what it does not need.

    It keeps its initial margin, and the loss it has not realised (-4051); the cross wallet gives what is free (-4050).
    """
    market = state.market(symbol)
    asset = market.rules.margin_asset
    units = checked_precision(amount, 1)
    if units <= 0:
        raise refusal(-4055)
    if kind not in (ADD, REDUCE):
        raise refusal(-1130, "type")
    if symbol not in account.isolated:
        raise refusal(-4049)
    if position_side not in (BOTH, LONG, SHORT) or (position_side != BOTH) is not account.is_hedged:
        raise refusal(-4061)
    position = account.look_at(symbol, position_side)
    if not position.quantity:
        raise refusal(-4054)
    if kind == ADD and units > margin.available(state, account, asset):
        raise refusal(-4050)
    if kind == REDUCE and units > _spare(state, account, position):
        raise refusal(-4051)
    position.isolated_wallet += units if kind == ADD else -units
    position.updated_ms = state.now_ms
    state.changes.state = True
    event_writer.tell_account(state, account, "MARGIN_TRANSFER", asset, [position])
    return answers.success("Successfully modify position margin.") | {"amount": float(amount), "type": kind}


def _spare(state: ExchangeState, account: Account, position: Position) -> int:
    market = state.markets[position.symbol]
    loss = min(0, margin.unrealized(position, market.mark()))
    return position.isolated_wallet + loss - margin.position_margin(state, account, position, market)


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
