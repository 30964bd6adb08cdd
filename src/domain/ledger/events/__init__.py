"""What happened, in the past tense: the kinds of record of the journal.

Every field is text, a whole number, a Decimal, an enum, a truth value, None, or a tuple or frozen dataclass of
these, so that one codec writes them all canonically. Money is in quote asset unless a field names its asset.
"""

from src.domain.ledger.events.account import (
    AccountOpened,
    AlarmRaised,
    DayStarted,
    DifferenceFound,
    EpochStarted,
    EquityMarked,
    FillBooked,
    IncomeBooked,
    RawReceived,
    RecoveryFinished,
    SessionMoved,
    SessionOpened,
    StrategiesChosen,
    StreamLost,
    StreamOpened,
    SymbolMoved,
    TradesConfirmed,
    TradingMoved,
    make_fill_booked,
)
from src.domain.ledger.events.orders import (
    AttemptMoved,
    BreachFound,
    CancelRequested,
    ChildHeldBack,
    LegReplaced,
    ModifyMoved,
    ModifyRequested,
    OrderDenied,
    OrderIntended,
    OrderMoved,
    OutcomeDoubted,
    OutcomeReleased,
    ParentMoved,
    ParentOpened,
    ProtectionRestored,
    ProtectionWaived,
    SignalNote,
    TermsChanged,
    make_attempt_moved,
    make_order_intended,
    make_order_moved,
    make_signal_note,
)

__all__ = [
    "AccountOpened",
    "AlarmRaised",
    "AttemptMoved",
    "BreachFound",
    "CancelRequested",
    "ChildHeldBack",
    "DayStarted",
    "DifferenceFound",
    "EpochStarted",
    "EquityMarked",
    "Event",
    "FillBooked",
    "IncomeBooked",
    "LegReplaced",
    "ModifyMoved",
    "ModifyRequested",
    "OrderDenied",
    "OrderIntended",
    "OrderMoved",
    "OutcomeDoubted",
    "OutcomeReleased",
    "ParentMoved",
    "ParentOpened",
    "ProtectionRestored",
    "ProtectionWaived",
    "RawReceived",
    "RecoveryFinished",
    "SessionMoved",
    "SessionOpened",
    "SignalNote",
    "StrategiesChosen",
    "StreamLost",
    "StreamOpened",
    "SymbolMoved",
    "TermsChanged",
    "TradesConfirmed",
    "TradingMoved",
    "make_attempt_moved",
    "make_fill_booked",
    "make_order_intended",
    "make_order_moved",
    "make_signal_note",
]

Event = (
    AccountOpened
    | EpochStarted
    | SessionOpened
    | SessionMoved
    | StrategiesChosen
    | TradingMoved
    | SymbolMoved
    | DayStarted
    | EquityMarked
    | OrderIntended
    | OrderDenied
    | AttemptMoved
    | OutcomeDoubted
    | OutcomeReleased
    | OrderMoved
    | CancelRequested
    | ModifyRequested
    | ModifyMoved
    | TermsChanged
    | ProtectionWaived
    | ProtectionRestored
    | ParentOpened
    | ParentMoved
    | ChildHeldBack
    | LegReplaced
    | RawReceived
    | FillBooked
    | IncomeBooked
    | StreamOpened
    | StreamLost
    | TradesConfirmed
    | DifferenceFound
    | RecoveryFinished
    | AlarmRaised
    | BreachFound
)
