"""The exchange, as the session sees it.

``submit``, ``cancel`` and ``modify`` hand a request to the transport and return at once; the answer arrives later
through the :class:`BrokerSink`, as an input of the session like any other. Fills never come with an answer, only
by the user stream: later than it, before it, or twice. Reads are awaited; they serve start-up and recovery.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from src.domain.market.instrument import Instrument
from src.domain.orders.news import (
    BalanceReport,
    CancelOutcome,
    FillReport,
    IncomeReport,
    ModifyOutcome,
    OrderNews,
    OrderReport,
    PositionReport,
    SubmitOutcome,
    WalletMoved,
)
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket


class BrokerError(Exception):
    """Base of what a read may raise. Submits raise nothing: their outcome is an input."""


class BrokerUnavailable(BrokerError):
    """No answer, or none that could be read: ask again later."""


class BrokerRefused(BrokerError):
    """The exchange answered and said no, with a code of its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class NetworkError(BrokerUnavailable):
    """The connection failed or broke before a readable answer: reads may be repeated, an order never."""


class CircuitOpenError(BrokerUnavailable):
    """Too many reads have failed in a row: nothing is asked for ``retry_after`` seconds more."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the exchange does not answer: it is asked again in {retry_after:.0f} s")
        self.retry_after = retry_after


class RateLimitError(BrokerError, ValueError):
    """Too much was asked for, by the exchange's measure or by our own; it helps to wait ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InsufficientBalanceError(BrokerError, ValueError):
    """The account cannot carry the order: its free margin would not suffice, by our rule or by the exchange's."""


class VenueTime(NamedTuple):
    """An estimate of the exchange's clock, in ms since the epoch, and how wrong it can be."""

    now_ms: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class Consistency:
    """What the exchange promises about its reads; decides when "not found" proves absence.

    ``read_your_writes``: a read sees everything that was accepted before it was asked. ``arrival_margin_ms`` (ε): how
    long after an attempt's deadline it might still be accepted. ``quiescence_ms`` (W₂): how long after that reads must
    stay silent before an attempt without any trace is declared dead; more than the longest lag of a read.
    ``others_wait_ms`` (W₁): how long before other symbols may open positions again. ``requests_die_with_process``: a
    request of a process that has ended can no longer arrive (the exchange lives in the process itself).
    ``forgets_ms``: how long after it was made an order that ended without a fill is still known; None is for ever.
    """

    read_your_writes: bool
    arrival_margin_ms: int
    quiescence_ms: int
    requests_die_with_process: bool = False
    others_wait_ms: int = 0
    forgets_ms: int | None = None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What the API key may do."""

    can_trade: bool
    can_withdraw: bool
    ip_restricted: bool


@dataclass(frozen=True, slots=True)
class LeverageBracket:
    """Rules for positions with a notional above ``notional_floor`` up to ``notional_cap`` (quote asset).

    ``maintenance_rate`` of the notional, less ``deduction`` (quote asset), is what such a position must keep;
    ``leverage_max`` is the highest leverage at which one so large may be opened.
    """

    notional_floor: Decimal
    notional_cap: Decimal
    leverage_max: int
    maintenance_rate: Decimal
    deduction: Decimal


@dataclass(frozen=True, slots=True)
class UserEvent:
    """One raw event of the user stream, exactly as received; it is journalled before it is interpreted."""

    stream_epoch: int
    raw: str


class BrokerSink(Protocol):
    """Where a broker delivers what it hears. Every call is one input of the session, in order of arrival."""

    def on_submit_outcome(self, outcome: SubmitOutcome) -> None:
        """The answer to a submit."""
        ...

    def on_cancel_outcome(self, outcome: CancelOutcome) -> None:
        """The answer to a cancel."""
        ...

    def on_modify_outcome(self, outcome: ModifyOutcome) -> None:
        """The answer to an amendment."""
        ...

    def on_instruments(self, instruments: list[Instrument]) -> None:
        """The filters of every symbol, read again because an order broke one that was not known."""
        ...

    def on_user_event(self, event: UserEvent) -> None:
        """One event of the user stream."""
        ...

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        """The user stream ended: everything after its last event may be missing."""
        ...


class Broker(Protocol):
    """Places and cancels orders on one account of one exchange."""

    @property
    def consistency(self) -> Consistency:
        """What reads promise."""
        ...

    def venue_time(self) -> VenueTime:
        """The exchange's time now, from samples already taken; no request is made."""
        ...

    async def open(self, sink: BrokerSink) -> int:
        """Open the user stream and start delivering to ``sink``; return the number of the new stream epoch."""
        ...

    async def close(self) -> None:
        """Stop delivering. Orders stay as they are."""
        ...

    def submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Send the attempt, exactly once, unless its deadline has passed (then: NotSent)."""
        ...

    def rehearse(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Do with an order what :meth:`submit` does before it leaves, and forget it: nothing is sent, nobody told."""
        ...

    def cancel(self, symbol: str, client_order_id: str, conditional: bool) -> None:
        """Ask for the end of an order, in the algo book if ``conditional``; may be repeated."""
        ...

    def modify(self, amendment: Amendment) -> None:
        """Ask, exactly once, for another price and total quantity of a resting limit order."""
        ...

    def interpret(self, event: UserEvent) -> tuple[OrderNews | IncomeReport | WalletMoved, ...]:
        """Say what a raw user event means; ValueError when it cannot be read."""
        ...

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order, in whichever id space it lives, or None when the exchange does not show it."""
        ...

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        """An ordinary order by the exchange's own id, whoever made it, or None when the exchange does not show it."""
        ...

    async def open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every open ordinary order of the account, or of a symbol, which costs a fraction of it."""
        ...

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every open conditional order of the account, or of a symbol."""
        ...

    async def orders(self, symbol: str, since_ms: int) -> list[OrderReport]:
        """Every order of a symbol made at or after ``since_ms`` that the exchange remembers, ended ones included.

        Of both books, oldest first in each; an order that was triggered is told of as what it is now.
        """
        ...

    async def positions(self) -> list[PositionReport]:
        """Every position that is not flat."""
        ...

    async def balances(self) -> list[BalanceReport]:
        """Wallet balances by asset."""
        ...

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        """Trades of the account with id ≥ ``from_id``, oldest first; one page, empty when there are no more."""
        ...

    async def first_trades(self, symbol: str, since_ms: int) -> list[FillReport]:
        """The first page of trades made at or after ``since_ms``, oldest first; empty when there are none."""
        ...

    async def income(self, since_ms: int) -> list[IncomeReport]:
        """Everything that changed the wallet at or after ``since_ms``, oldest first."""
        ...

    async def server_time(self) -> VenueTime:
        """Ask the exchange for its time."""
        ...

    async def leverage(self, symbol: str) -> int:
        """The leverage set for a symbol."""
        ...

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol, unless it is so already."""
        ...

    async def margin_type(self, symbol: str) -> str:
        """CROSSED or ISOLATED."""
        ...

    async def set_margin_type(self, symbol: str, margin_type: str) -> None:
        """Set CROSSED or ISOLATED; no error when it is so already."""
        ...

    async def hedge_mode(self) -> bool:
        """Whether the account keeps LONG and SHORT apart."""
        ...

    async def set_hedge_mode(self, enabled: bool) -> None:
        """Set the position mode; no error when it is so already."""
        ...

    async def leverage_brackets(self, symbol: str) -> list[LeverageBracket]:
        """The symbol's brackets, lowest notional first."""
        ...

    async def instruments(self) -> list[Instrument]:
        """What can be held, with filters: also what is halted for now."""
        ...

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        """(Re)arm the dead-man switch that cancels resting orders of a symbol; 0 disarms it."""
        ...

    async def key_permissions(self) -> KeyPermissions:
        """What the key in use may do."""
        ...
