"""What the auditor holds of either side: rows as they were read, and what it found. Amounts are exact Decimals.

Times are ms since the epoch, UTC. Quantities are in base asset; prices, profits and funding in quote asset.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from sys import intern
from typing import Any, Final, TypeAlias

ZERO: Final = Decimal(0)
REALIZED_PNL: Final = "REALIZED_PNL"
COMMISSION: Final = "COMMISSION"
FUNDING: Final = frozenset({"FUNDING_FEE", "SPECIAL_FUNDING_FEE"})
OPENING: Final = "OPENING_BALANCE"
"""The session's own entry: the wallet that its books of an older account begin with."""
TRANSFERS: Final = frozenset(
    {
        OPENING,
        "TRANSFER",
        "INTERNAL_TRANSFER",
        "CROSS_COLLATERAL_TRANSFER",
        "WELCOME_BONUS",
        "COIN_SWAP_DEPOSIT",
        "COIN_SWAP_WITHDRAW",
        "STRATEGY_UMFUTURES_TRANSFER",
    }
)
"""What was paid in or out; whatever else there is (fees of liquidations, rebates) is earned or lost."""
WITH_TRADES: Final = frozenset({REALIZED_PNL, COMMISSION})
"""Types of income that say again what a trade has said."""

TradeKey: TypeAlias = tuple[str, int, str]
IncomeKey: TypeAlias = tuple[int, str, str]
Side: TypeAlias = tuple[str, str]


class AuditFailure(Exception):
    """The books of one side cannot be read; one line with cause and fix. No difference follows from it."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution; ``realized_pnl`` and ``commission`` are the exchange's own figures.

    The profit is in ``margin_asset``; empty is the account's settle asset.
    """

    symbol: str
    trade_id: int
    order_id: int
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    realized_pnl: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    at_ms: int
    margin_asset: str = ""

    @classmethod
    def of_row(cls, row: Sequence[Any], amount: Callable[[Any], Decimal] = Decimal) -> "Trade":
        """From a row in the order of the fields, its amounts read by ``amount``."""
        symbol, trade_id, order_id, side, position_side, *amounts, asset, is_maker, at_ms, margin = row
        price, quantity, realized, paid = map(amount, amounts)
        # The same few words in every row are kept once.
        words = symbol, side, position_side, asset, margin
        symbol, side, position_side, asset, margin = map(intern, words)
        ids = symbol, trade_id, order_id, side, position_side
        return cls(*ids, price, quantity, realized, paid, asset, bool(is_maker), at_ms, margin)

    @property
    def key(self) -> TradeKey:
        """What it is known by: ids are unique within a symbol, and one with ourselves was bought and sold."""
        return self.symbol, self.trade_id, self.side

    @property
    def number(self) -> tuple[str, int]:
        """What income names a trade by, both sides of it."""
        return self.symbol, self.trade_id

    @property
    def is_opening(self) -> bool:
        """Whether it is the session's own entry: a position, at its average price, that was held before its books."""
        return self.trade_id <= 0

    @property
    def name(self) -> str:
        """The trade for people."""
        return f"trade {self.trade_id} of {self.symbol}"

    @property
    def signed(self) -> Decimal:
        """The quantity, negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True, slots=True)
class Income:
    """One change of a wallet; ``trade_id`` is 0 when no trade caused it."""

    transaction_id: int
    income_type: str
    asset: str
    amount: Decimal
    symbol: str
    at_ms: int
    trade_id: int = 0

    @property
    def key(self) -> IncomeKey:
        """What an entry is known by: the exchange's number is unique within a type only."""
        return self.transaction_id, self.income_type, self.asset

    @property
    def name(self) -> str:
        """The entry for people."""
        return f"income {self.transaction_id} {self.income_type}"


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as one side has it, with what it earned and cost over all time."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all time in the settle asset; ``commission`` is positive for what was paid."""

    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    transfers: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class SessionBooks:
    """What the session's database says, as of one commit.

    ``trips`` are the round trips of a symbol: their number, profit before commission, commission. ``confirmed`` is the
    trade id up to which the session has compared a symbol with the exchange, ``compared_ms`` when it last found both
    equal (0: never), ``head_seq`` the number of the last journal record, ``began_ms`` when the first session started.
    """

    account_id: str
    exchange: str
    settle_asset: str
    head_seq: int
    began_ms: int
    compared_ms: int
    totals: Totals
    net_of_sessions: Decimal
    fills: dict[TradeKey, Trade]
    income: dict[IncomeKey, Income]
    holdings: dict[Side, Holding]
    wallets: dict[str, Decimal]
    trips: dict[str, tuple[int, Decimal, Decimal]]
    confirmed: dict[str, int]


@dataclass(frozen=True, slots=True)
class ExchangeBooks:
    """What the exchange says; ``now_ms`` is its time when it said so. Income may hold an entry more than once."""

    trades: dict[TradeKey, Trade]
    income: list[Income]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures that should be one; ``where`` names the first row in which the two sides part."""

    subject: str
    ours: str
    theirs: str
    where: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one audit. ``in_flight`` counts rows that the exchange has and the session may still hear of.

    ``since_ms`` is 0 for an audit of everything, ``until_ms`` the exchange's time; ``checks`` counts the figures
    compared.
    """

    account_id: str
    exchange: str
    since_ms: int
    until_ms: int
    head_seq: int
    trades: int
    income: int
    in_flight: int
    checks: int
    differences: tuple[Difference, ...] = ()
