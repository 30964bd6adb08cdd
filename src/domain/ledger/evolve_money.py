"""How fills, funding and transfers change orders, positions and the wallet.

Fills are a set: the caller has made sure that this half of the trade is new. Realised P&L and commission are the
exchange's own figures, so the wallet is exactly the sum of what it says. What a contract with another margin asset
than the account's earns is in that asset's wallet, in its position, and in no sum of the settle asset.
"""

from decimal import Decimal

from src.domain.ledger import events as e
from src.domain.ledger.evolve_orders import hold, keep_hold, move_order, release
from src.domain.ledger.evolve_parents import fill_parent
from src.domain.ledger.evolve_protection import forget_refusals
from src.domain.ledger.state import Ledger
from src.domain.ledger.unconfirmed import Unconfirmed
from src.domain.market.sides import trade_half
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.transitions import ModifyState, OrderTrigger
from src.domain.positions.position import Position, RoundTrip


def fill_booked(ledger: Ledger, event: e.FillBooked, at_ms: int) -> None:
    """A trade enters order, position, lots, wallet and session figures."""
    book = ledger.symbol(event.symbol)
    book.trade_halves.add(trade_half(event.trade_id, event.side))
    book.last_trade_id = max(book.last_trade_id, event.trade_id)
    ledger.changes.symbols[event.symbol] = book
    ledger.changes.fills.append(event)
    order = ledger.orders.get(event.client_order_id)
    if order is not None:
        _fill_order(ledger, order, event)
    position = ledger.position(event.symbol, event.position_side)
    _keep_unconfirmed(ledger, position, event)
    in_settle = event.commission if event.commission_asset == ledger.account.settle_asset else ZERO
    trips = position.apply_fill(
        event.side, event.price, event.quantity, in_settle, event.strategy_id, event.traded_ms, event.trade_id
    )
    if event.position_cost is not None:
        position.count_in_turn(event.position_cost)
    if trips and ledger.refusals:
        forget_refusals(ledger, event.symbol, event.position_side)
    position.realized_pnl += event.realized_pnl
    if order is not None and not order.ticket.reduce_only and not position.is_flat:
        _keep_protection(ledger, position, order, event.quantity)
    ledger.changes.positions[(event.symbol, event.position_side)] = position
    _pay(ledger, event)
    _count(ledger, trips, event)


def _keep_unconfirmed(ledger: Ledger, position: Position, event: e.FillBooked) -> None:
    key = (event.symbol, event.position_side)
    unconfirmed = ledger.unconfirmed.get(key)
    if unconfirmed is None:
        compared = ledger.symbol(event.symbol).confirmed_trade_id
        unconfirmed = ledger.unconfirmed[key] = Unconfirmed(
            position.quantity, position.cost, counted_id=compared
        )
    unconfirmed.keep(event)


def _fill_order(ledger: Ledger, order: Order, event: e.FillBooked) -> None:
    before, held = order.filled_quantity, hold(ledger, order)
    order.trade_ids.add(event.trade_id)
    order.filled_quantity += event.quantity
    order.filled_cost += event.quantity * event.price
    order.realized_pnl += event.realized_pnl
    order.commission += event.commission
    order.updated_ms = max(order.updated_ms, event.traded_ms)
    order.claimed_quantity = max(order.claimed_quantity, order.filled_quantity)
    ledger.changes.orders[order.client_order_id] = order
    if order.is_open and not order.ticket.reduce_only:
        release(ledger, order, min(event.quantity, max(ZERO, order.exposed_quantity - before)))
    # What closes a position is as large as the position, and over when the exchange says so. While an amendment is
    # under way, so is an order: its quantity may be another by now.
    is_final = (
        not order.ticket.close_position
        and order.modify_state is ModifyState.NONE
        and order.filled_quantity >= order.ticket.quantity
    )
    move_order(ledger, order, OrderTrigger.FINAL_FILL if is_final else OrderTrigger.PARTIAL_FILL)
    if order.ticket.parent_id is not None:
        fill_parent(ledger, order, event)
        keep_hold(ledger, order, held)


def _keep_protection(ledger: Ledger, position: Position, order: Order, quantity: Decimal) -> None:
    """The newest entry says where its stop and target are; without a word what holds for the position goes on.

    It says so once, with its first trade, and again only if one opens the position anew: what somebody has wanted for
    the position since holds. The parts of a schedule or an iceberg are one entry, the legs of an OCO are two.
    """
    if position.side is not order.side:
        return
    parent = ledger.parent_of(order)
    filled = order.filled_quantity if parent is None or parent.ticket.legs else parent.filled_quantity
    if filled > quantity and abs(position.quantity) > quantity:
        return
    if order.ticket.stop_loss_price is not None:
        position.stop_loss_price, position.stop_waived = order.ticket.stop_loss_price, False
    if order.ticket.take_profit_price is not None:
        position.take_profit_price, position.target_waived = order.ticket.take_profit_price, False


def _pay(ledger: Ledger, event: e.FillBooked) -> None:
    account = ledger.account
    wallet = account.wallet
    settle = account.settle_asset
    margin_asset = event.margin_asset or settle
    wallet[margin_asset] = wallet.get(margin_asset, ZERO) + event.realized_pnl
    wallet[event.commission_asset] = wallet.get(event.commission_asset, ZERO) - event.commission
    if margin_asset == settle:
        account.realized_pnl += event.realized_pnl
    if event.commission_asset == settle:
        account.commission += event.commission


def _count(ledger: Ledger, trips: list[RoundTrip], event: e.FillBooked) -> None:
    session, settle = ledger.session, ledger.account.settle_asset
    in_settle = event.margin_asset in ("", settle)
    counted = trips if in_settle else []
    ledger.changes.round_trips.extend(counted)
    if session is None:
        return
    if in_settle:
        session.total_pnl += event.realized_pnl
    if event.commission_asset == settle:
        session.total_commission += event.commission
    for trip in counted:
        session.total_trades += 1
        if trip.net_pnl > 0:
            session.winning_trades += 1
        elif trip.net_pnl < 0:
            session.losing_trades += 1
    ledger.changes.session = session


def income_booked(ledger: Ledger, event: e.IncomeBooked, at_ms: int) -> None:
    """Funding, transfers and the like enter the wallet once per (transaction, type, asset)."""
    account = ledger.account
    ledger.income_ids.add((event.transaction_id, event.income_type, event.asset))
    account.wallet[event.asset] = account.wallet.get(event.asset, ZERO) + event.amount
    account.income_ms = max(account.income_ms, event.at_ms)
    ledger.changes.income.append(event)
    if event.asset != account.settle_asset:
        return
    if event.is_funding:
        account.funding += event.amount
        if ledger.session is not None:
            ledger.session.total_funding += event.amount
            ledger.changes.session = ledger.session
        # Made if need be: funding may be told before the fill that it is for.
        position = ledger.position(event.symbol)
        position.funding += event.amount
        ledger.changes.positions[(position.symbol, position.position_side)] = position
    elif event.is_transfer:
        account.transfers += event.amount
        _move_marks(ledger, event.amount)


def _move_marks(ledger: Ledger, amount: Decimal) -> None:
    """A transfer is neither loss nor gain: what losses are measured from moves along, but not below nothing."""
    account, session = ledger.account, ledger.session
    if account.day_start_equity:
        account.day_start_equity = max(ZERO, account.day_start_equity + amount)
    if account.peak_equity:
        account.peak_equity = max(ZERO, account.peak_equity + amount)
    if session is not None and session.peak_equity:
        session.peak_equity = max(ZERO, session.peak_equity + amount)
        ledger.changes.session = session


def equity_marked(ledger: Ledger, event: e.EquityMarked, at_ms: int) -> None:
    """Peak and drawdown follow equity with unrealised P&L, for the account and for the session."""
    equity = event.wallet + event.unrealized_pnl
    account = ledger.account
    account.peak_equity = max(account.peak_equity, equity)
    if account.peak_equity > 0:
        account.max_drawdown = max(account.max_drawdown, (account.peak_equity - equity) / account.peak_equity)
    session = ledger.session
    if session is not None:
        session.peak_equity = max(session.peak_equity, equity)
        session.max_drawdown = session.drawdown_at(equity)
        ledger.changes.session = session
