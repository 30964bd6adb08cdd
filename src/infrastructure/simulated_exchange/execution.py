"""What a trade does: to the order, the position, the wallet and the user stream; and how orders end.

Nobody else changes positions or wallets because of trades, whichever way the trade came about (an order taking
from the book, a resting order met by a trade print or by another account, an order of the exchange itself).
"""

from collections.abc import Iterable
from typing import Final

from src.infrastructure.simulated_exchange import event_writer, margin
from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.records import (
    BUY,
    CALCULATED,
    EXPIRED,
    EXPIRED_IN_MATCH,
    FILLED,
    FINISHED,
    KNOCKED_OUT,
    PARTIALLY_FILLED,
    TRADE,
    MarketReference,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, divide_half_even, multiply

REALIZED_PNL: Final = "REALIZED_PNL"
COMMISSION: Final = "COMMISSION"


def room_to_reduce(account: Account, order: Order) -> int:
    """How much of its position an order on this side could close; 0 when it would open."""
    held = account.quantity(order.symbol, order.position_side)
    return max(0, -held if order.side == BUY else held)


def admit(state: ExchangeState, account: Account, order: Order) -> None:
    """Let an order exist: from now on its id is taken, and the stream has told of it."""
    account.orders[order.order_id] = order
    account.order_ids[order.client_order_id] = order
    state.changes.orders[order.order_id] = order
    event_writer.tell_order(state, order, "NEW")


def trade(
    state: ExchangeState,
    market: SymbolMarket,
    order: Order,
    price: int,
    quantity: int,
    reference: MarketReference,
    is_maker: bool,
    number: int = 0,
) -> int:
    """Execute ``quantity`` of ``order`` at ``price``: order, position, wallet, record, event.

    ``number`` is the trade's id where its other side has it already; without one it gets one, which is returned.
    """
    account = state.accounts[order.account]
    position = account.position(order.symbol, order.position_side)
    held, own_wallet = position.quantity, position.isolated_wallet
    realized = apply_to_position(position, order.side == BUY, price, quantity)
    position.realized += realized
    position.updated_ms = state.now_ms
    rules = market.rules
    rate = rules.maker_rate if is_maker else rules.taker_rate
    commission = divide_half_even(price * quantity * rate, SCALE * SCALE)
    order.executed += quantity
    order.quote += multiply(price, quantity)
    order.updated_ms = state.now_ms
    order.status = FILLED if order.executed == order.quantity else PARTIALLY_FILLED
    record = state.record_trade(
        order, price, quantity, realized, commission, rules.margin_asset, is_maker, reference, number
    )
    if realized:
        state.book(account, REALIZED_PNL, realized, rules.margin_asset, order.symbol, record.trade_id)
    if commission:
        state.book(account, COMMISSION, -commission, rules.margin_asset, order.symbol, record.trade_id)
    if order.symbol in account.isolated:
        _move_margin(state, account, market, position, held, own_wallet, price, quantity)
    state.changes.orders[order.order_id] = order
    event_writer.tell_order(state, order, CALCULATED if order.is_forced else TRADE, record)
    if order.status == FILLED:
        _retire(state, account, order)
    return record.trade_id


def apply_to_position(position: Position, is_buy: bool, price: int, quantity: int) -> int:
    """Close what the trade closes, then open the rest; return the profit realised by closing.

    A partial close takes the cost's share half-even and leaves the remainder, so that the parts of a position's
    cost always add up to the whole.
    """
    sign = 1 if is_buy else -1
    realized = 0
    held = abs(position.quantity)
    closing = min(quantity, held) if position.quantity * sign < 0 else 0
    if closing:
        cost = position.cost if closing == held else divide_half_even(position.cost * closing, held)
        realized = (cost - multiply(price, closing)) * sign
        position.quantity += sign * closing
        position.cost -= cost
    opening = quantity - closing
    if opening:
        position.quantity += sign * opening
        position.cost += multiply(price, opening)
    return realized


def _move_margin(
    state: ExchangeState,
    account: Account,
    market: SymbolMarket,
    position: Position,
    held: int,
    own_wallet: int,
    price: int,
    quantity: int,
) -> None:
    """Between the cross wallet and an isolated position's: closing gives back its share, opening takes its margin.

    ``held`` and ``own_wallet`` are from before the trade. Profit and commission are the cross wallet's.
    """
    after = position.quantity
    closed = min(quantity, abs(held)) if held and (after - held) * held < 0 else 0
    if closed:
        share = own_wallet if closed == abs(held) else divide_half_even(own_wallet * closed, abs(held))
        position.isolated_wallet -= share
    if quantity > closed:
        cost = multiply(price, quantity - closed)
        needed = divide_half_even(cost, state.leverage(account, position.symbol))
        free = margin.cross_wallet(state, account, market.rules.margin_asset)
        position.isolated_wallet += min(needed, max(0, free))


def end(state: ExchangeState, order: Order, status: str, expiry_reason: str) -> None:
    """End an order that was not filled: CANCELED, EXPIRED or EXPIRED_IN_MATCH, with Binance's reason."""
    account = state.accounts[order.account]
    order.status = status
    order.expiry_reason = expiry_reason
    order.updated_ms = state.now_ms
    state.changes.orders[order.order_id] = order
    event_writer.tell_order(state, order, EXPIRED if status == EXPIRED_IN_MATCH else status)
    _retire(state, account, order)


def settle(state: ExchangeState, account: Account, market: SymbolMarket, sides: Iterable[str]) -> None:
    """After the trades of one moment: tell the account, and end what waits to reduce a position that has no room left.

    ``sides`` are the position sides that traded.
    """
    symbol = market.rules.symbol
    positions = [account.position(symbol, side) for side in sides]
    event_writer.tell_account(state, account, "ORDER", market.rules.margin_asset, positions)
    _knock_out(state, account, market)
    if account.algos:
        for position in positions:
            if not position.quantity:
                _end_closing_algos(state, account, position)


def _knock_out(state: ExchangeState, account: Account, market: SymbolMarket) -> None:
    """Expire resting reduce-only orders beyond the position, worst priority first to go (reason "4").

    One that still has some room stays as it is; it is cut when it trades.
    """
    for resting in (market.resting_buys, market.resting_sells):
        mine = [order for order in resting if order.account == account.number and order.closes]
        room = room_to_reduce(account, mine[0]) if mine else 0
        for order in mine:
            if room <= 0:
                end(state, order, EXPIRED, KNOCKED_OUT)
            room -= order.remaining


def _end_closing_algos(state: ExchangeState, account: Account, position: Position) -> None:
    """A conditional order that closes the position expires with it."""
    for algo in [algo for algo in account.algos.values() if algo.close_position]:
        if (algo.symbol, algo.position_side) == (position.symbol, position.side):
            state.end_algo(account, algo, EXPIRED)
            event_writer.tell_algo(state, algo)


def _retire(state: ExchangeState, account: Account, order: Order) -> None:
    """Free the order's id and its place in the market, and finish the conditional order it came from."""
    account.orders.pop(order.order_id, None)
    if account.order_ids.get(order.client_order_id) is order:
        del account.order_ids[order.client_order_id]
    if order.rank:
        state.markets[order.symbol].unrest(order)
        order.rank = 0
    if order.algo_id:
        _finish_algo(state, account, order)


def _finish_algo(state: ExchangeState, account: Account, child: Order) -> None:
    """FINISHED: the order that took the conditional one's place has ended, one way or another."""
    algo = account.triggered.pop(child.algo_id)
    algo.status = FINISHED
    algo.actual_price = event_writer.average_price(child)
    algo.actual_quantity = child.executed
    algo.updated_ms = state.now_ms
    state.changes.algos[algo.algo_id] = algo
    event_writer.tell_algo(state, algo)
