"""What the exchange tells us about orders, fills and money, in our own words.

Any of it may come late, twice, out of order, or over two channels; nothing here assumes otherwise.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import OrderStatus, OrderType
from src.domain.shared.making import maker


@dataclass(frozen=True, slots=True)
class FillReport:
    """One trade of one order. ``commission`` is in ``commission_asset``, ``realized_pnl`` (signed) in ``margin_asset``.

    An empty ``margin_asset`` is the account's settle asset.
    """

    symbol: str
    trade_id: int
    exchange_order_id: int
    side: OrderSide
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    realized_pnl: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    traded_ms: int
    client_order_id: str | None = None
    margin_asset: str = ""


make_fill_report: Final = maker(FillReport)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange states it, in either of its two id spaces (ordinary or algo)."""

    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal
    reduce_only: bool
    updated_ms: int
    exchange_order_id: int | None = None
    algo_id: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        """The client order id, under the name that orders of a session have it."""
        return self.client_order_id


make_order_report: Final = maker(OrderReport)


@dataclass(frozen=True, slots=True)
class OrderNews:
    """One event of the user stream: the order as it now stands, and the trade that moved it, if one did."""

    order: OrderReport
    fill: FillReport | None = None


@dataclass(frozen=True, slots=True)
class IncomeReport:
    """A change of the wallet: funding, transfer, insurance …; realised P&L and commission come with fills."""

    transaction_id: int
    income_type: str
    asset: str
    amount: Decimal
    symbol: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class WalletMoved:
    """The wallet changed for ``reason`` at ``at_ms``, and no transaction was named: the income has to be read.

    ``balances`` are the wallet balances after it, as (asset, amount), as far as they were told.
    """

    reason: str
    at_ms: int
    balances: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class PositionReport:
    """A position as the exchange states it; quantity is signed (negative is short).

    ``isolated_wallet`` is what an isolated position has been given, 0 for a cross one; ``maintenance_margin`` what the
    position must keep; both in the margin asset. ``leverage`` 0 means that the exchange did not say.
    """

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None = None
    leverage: int = 0
    is_isolated: bool = False
    isolated_wallet: Decimal = Decimal(0)
    maintenance_margin: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """A balance as the exchange states it, in ``asset``."""

    asset: str
    wallet_balance: Decimal


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took the attempt; exactly one of the two ids is set, by the id space it lives in."""

    client_order_id: str
    exchange_order_id: int | None
    algo_id: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange said no: the attempt did not happen, and never will."""

    client_order_id: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Perhaps it happened: the attempt keeps its reservation until evidence settles it."""

    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It did not happen: this process knows that no byte of the attempt left it."""

    client_order_id: str
    reason: str


SubmitOutcome = Accepted | Refused | OutcomeUnknown | NotSent


@dataclass(frozen=True, slots=True)
class CancelAccepted:
    """The exchange took the request to cancel; the order's end still comes by event or query."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The exchange did not cancel: not open any more (-2011) or never seen (-2013). Ask, never infer."""

    client_order_id: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class CancelUnknown:
    """Nobody knows whether the request to cancel arrived; it may be repeated freely."""

    client_order_id: str
    reason: str


CancelOutcome = CancelAccepted | CancelRefused | CancelUnknown


@dataclass(frozen=True, slots=True)
class ModifyAccepted:
    """The exchange took the amendment: this is the order's price and total quantity since ``at_ms`` (venue time).

    One that ended the order (so much was filled already, or it would have traded) is of unknown outcome: ask.
    """

    client_order_id: str
    limit_price: Decimal
    quantity: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class ModifyRefused:
    """The exchange did not amend the order, and never will: it stands as it stood, or it is over. Ask."""

    client_order_id: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class ModifyUnknown:
    """Nobody knows whether the amendment happened: the order is read back; no other amendment is sent before."""

    client_order_id: str
    reason: str


ModifyOutcome = ModifyAccepted | ModifyRefused | ModifyUnknown
