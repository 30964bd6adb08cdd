"""Events of Binance's user stream, read into our words. The same for the real exchange and the simulated one.

ORDER_TRADE_UPDATE and ALGO_UPDATE say everything about themselves. An ACCOUNT_UPDATE that is not about an order
only says that the wallet changed: it names no transaction, and the same payment could be booked twice from it. So
it becomes a :class:`WalletNotice`, upon which the broker reads the income of that moment, transaction ids and all.
Source: USDⓈ-M futures user data streams.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import FillReport, OrderNews, make_fill_report, make_order_report
from src.domain.orders.types import OrderType
from src.infrastructure.brokers.binance_answers import algo_status, order_status, order_type, reduces, whole
from src.infrastructure.market_data.frames import Whole

IGNORED_KINDS: Final = frozenset(
    {
        "TRADE_LITE",  # only hastens what ORDER_TRADE_UPDATE says
        "ACCOUNT_CONFIG_UPDATE",
        "MARGIN_CALL",
        "STRATEGY_UPDATE",
        "GRID_UPDATE",
        "CONDITIONAL_ORDER_TRIGGER_REJECT",
        "listenKeyExpired",  # the connection's business
    }
)


@dataclass(frozen=True, slots=True)
class WalletNotice:
    """The wallet changed at ``at_ms`` for ``reason`` (FUNDING_FEE, DEPOSIT …); income() knows the particulars.

    ``balances`` are (asset, wallet balance) after it.
    """

    reason: str
    at_ms: int
    balances: tuple[tuple[str, Decimal], ...] = ()


class _Envelope(msgspec.Struct, rename={"kind": "e", "transaction_ms": "T", "event_ms": "E"}):
    kind: str
    transaction_ms: Whole = 0
    event_ms: Whole = 0
    o: msgspec.Raw = msgspec.Raw(b"null")
    a: msgspec.Raw = msgspec.Raw(b"null")


class _Order(
    msgspec.Struct,
    rename={
        "symbol": "s",
        "client_order_id": "c",
        "side": "S",
        "order_type": "o",
        "quantity": "q",
        "price": "p",
        "execution": "x",
        "status": "X",
        "order_id": "i",
        "last_quantity": "l",
        "filled_quantity": "z",
        "last_price": "L",
        "commission": "n",
        "commission_asset": "N",
        "traded_ms": "T",
        "trade_id": "t",
        "is_maker": "m",
        "reduce_only": "R",
        "position_side": "ps",
        "realized_pnl": "rp",
        "expiry_reason": "er",
    },
):
    symbol: str
    client_order_id: str
    side: OrderSide
    order_type: str
    quantity: Decimal
    price: Decimal
    execution: str
    status: str
    order_id: Whole
    last_quantity: Decimal
    filled_quantity: Decimal
    last_price: Decimal
    traded_ms: Whole
    trade_id: Whole
    is_maker: bool
    reduce_only: bool
    position_side: PositionSide
    realized_pnl: Decimal
    commission: Decimal | None = None
    commission_asset: str | None = None
    expiry_reason: str = "0"


class _Algo(
    msgspec.Struct,
    rename={
        "client_algo_id": "caid",
        "algo_id": "aid",
        "order_type": "o",
        "symbol": "s",
        "side": "S",
        "position_side": "ps",
        "quantity": "q",
        "status": "X",
        "actual_order_id": "ai",
        "trigger_price": "tp",
        "reduce_only": "R",
        "reject_reason": "rm",
        "price": "p",
        "close_position": "cp",
    },
):
    client_algo_id: str
    algo_id: Whole
    order_type: OrderType
    symbol: str
    side: OrderSide
    position_side: PositionSide
    quantity: Decimal
    status: str
    trigger_price: Decimal
    reduce_only: bool
    actual_order_id: str = ""
    reject_reason: str = ""
    price: Decimal = Decimal(0)
    close_position: bool = False


class _Balance(msgspec.Struct, rename={"asset": "a", "wallet_balance": "wb"}):
    asset: str
    wallet_balance: Decimal


class _Account(msgspec.Struct, rename={"reason": "m", "balances": "B"}):
    reason: str
    balances: tuple[_Balance, ...] = ()


_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_order: Final = msgspec.json.Decoder(_Order).decode
_decode_algo: Final = msgspec.json.Decoder(_Algo).decode
_decode_account: Final = msgspec.json.Decoder(_Account).decode


def read_event(raw: str) -> OrderNews | WalletNotice | None:
    """What an event means; None when it says nothing that we keep. ValueError when it cannot be read."""
    try:
        envelope = _decode_envelope(raw)
        if envelope.kind == "ORDER_TRADE_UPDATE":
            return _order_news(_decode_order(envelope.o))
        if envelope.kind == "ALGO_UPDATE":
            return _algo_news(_decode_algo(envelope.o), envelope.transaction_ms)
        if envelope.kind == "ACCOUNT_UPDATE":
            account = _decode_account(envelope.a)
            if account.reason == "ORDER":
                return None
            told = tuple((balance.asset, balance.wallet_balance) for balance in account.balances)
            return WalletNotice(account.reason, envelope.transaction_ms, told)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"unreadable user event: {error}") from error
    if envelope.kind in IGNORED_KINDS:
        return None
    raise ValueError(f"a user event of unknown kind {envelope.kind!r}")


def _order_news(order: _Order) -> OrderNews:
    _check_finite(order.quantity, order.price, order.last_quantity, order.filled_quantity, order.last_price)
    report = make_order_report(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        order_type=order_type(order.order_type),
        status=order_status(order.status),
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        reduce_only=reduces(order.side, order.position_side, order.reduce_only),
        updated_ms=order.traded_ms,
        exchange_order_id=order.order_id,
        limit_price=order.price or None,
        reason="" if order.expiry_reason == "0" else f"expiry reason {order.expiry_reason}",
    )
    return OrderNews(report, _fill(order) if order.last_quantity else None)


def _fill(order: _Order) -> FillReport:
    """The trade that moved the order: whatever the execution type, a last quantity is a trade (TRADE, CALCULATED)."""
    commission = order.commission or Decimal(0)
    _check_finite(commission, order.realized_pnl)
    return make_fill_report(
        symbol=order.symbol,
        trade_id=order.trade_id,
        exchange_order_id=order.order_id,
        side=order.side,
        position_side=order.position_side,
        price=order.last_price,
        quantity=order.last_quantity,
        realized_pnl=order.realized_pnl,
        commission=commission,
        commission_asset=order.commission_asset or "",
        is_maker=order.is_maker,
        traded_ms=order.traded_ms,
        client_order_id=order.client_order_id,
    )


def _algo_news(algo: _Algo, at_ms: int) -> OrderNews:
    _check_finite(algo.quantity, algo.trigger_price, algo.price)
    return OrderNews(
        make_order_report(
            client_order_id=algo.client_algo_id,
            symbol=algo.symbol,
            side=algo.side,
            position_side=algo.position_side,
            order_type=algo.order_type,
            status=algo_status(algo.status),
            quantity=algo.quantity,
            filled_quantity=Decimal(0),
            reduce_only=reduces(algo.side, algo.position_side, algo.reduce_only or algo.close_position),
            updated_ms=at_ms,
            exchange_order_id=whole(algo.actual_order_id) if algo.actual_order_id else None,
            algo_id=algo.algo_id,
            limit_price=algo.price or None,
            stop_price=algo.trigger_price or None,
            reason=algo.reject_reason,
        )
    )


def _check_finite(*values: Decimal) -> None:
    for value in values:
        if not value.is_finite():
            raise ValueError(f"unreadable user event: {value} is no amount")
