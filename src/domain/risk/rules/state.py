"""May this account open positions in this symbol at all: states, the data they would rest on, and ownership."""

from typing import ClassVar

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.risk.rules.review import Objection, Review
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState

MANUAL = "manual"


class SessionRunning:
    """Opening orders only while the session is RUNNING and in step with the exchange."""

    name: ClassVar[str] = "session_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the session's status."""
        session = review.ledger.session
        if session is not None and session.status is TradingSessionStatus.RUNNING:
            return None
        status = session.status.value if session is not None else "none"
        return Objection(self.name, status, "RUNNING", f"the session is {status}, not RUNNING")


class TradingActive:
    """No opening order while trading is REDUCE_ONLY or HALTED."""

    name: ClassVar[str] = "trading_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the account's trading state."""
        account = review.ledger.account
        if account.trading_state is TradingState.ACTIVE:
            return None
        state = account.trading_state.value
        return Objection(self.name, state, "ACTIVE", f"trading is {state}: {account.trading_reason}")


class SymbolOpen:
    """No opening order in a symbol that is restricted."""

    name: ClassVar[str] = "symbol_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the symbol's state."""
        book = review.book
        if book.state is SymbolState.TRADING:
            return None
        return Objection(
            self.name, book.state.value, "TRADING", f"{book.symbol} is {book.state.value}: {book.reason}"
        )


class DataQuality:
    """No opening order on data that is stale, crossed, out of order, gapped or absurd."""

    name: ClassVar[str] = "data_quality"

    def objection(self, review: Review) -> Objection | None:
        """Ask the gates."""
        text = review.view.opening_objection(review.ticket.symbol, review.now_ms)
        return None if text is None else Objection(self.name, text, "good data", text)


class PositionOwner:
    """A symbol belongs to the strategy that opened it until it is flat, on both sides in hedge mode.

    A person may open the other side of a strategy's symbol; what the strategy holds stays its own.
    """

    name: ClassVar[str] = "position_owner"

    def objection(self, review: Review) -> Objection | None:
        """Compare the owner of the position."""
        position, ticket = review.position, review.ticket
        if position.is_flat and ticket.position_side is not PositionSide.BOTH:
            other = PositionSide.SHORT if ticket.position_side is PositionSide.LONG else PositionSide.LONG
            position = review.ledger.position(ticket.symbol, other)
        owner, strategy = position.strategy_id, ticket.strategy_id
        if position.is_flat or owner == strategy or strategy == MANUAL:
            return None
        return Objection(self.name, strategy, owner, f"{ticket.symbol} belongs to {owner} until it is flat")


class Confidence:
    """A signal has to be sure enough of itself; an order by hand needs no signal."""

    name: ClassVar[str] = "confidence"

    def objection(self, review: Review) -> Objection | None:
        """Compare the signal's confidence."""
        confidence, least = review.confidence, review.limits.confidence_min
        if confidence is None or confidence >= least:
            return None
        text = f"the signal's confidence {confidence:f} is below {least:f}"
        return Objection(self.name, f"{confidence:f}", f"{least:f}", text)


class PositionMode:
    """An order says LONG or SHORT exactly in hedge mode, and opens the side that it names."""

    name: ClassVar[str] = "position_side"

    def objection(self, review: Review) -> Objection | None:
        """Compare the side named with the mode and with the direction."""
        ticket = review.ticket
        side = ticket.position_side
        if review.ledger.is_hedged:
            opens = PositionSide.LONG if ticket.side is OrderSide.BUY else PositionSide.SHORT
        else:
            opens = PositionSide.BOTH
        if side is opens:
            return None
        text = (
            f"a {ticket.side.value} that opens a position is one of {opens.value} here, not of {side.value}"
        )
        return Objection(self.name, side.value, opens.value, text)
