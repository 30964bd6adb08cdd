"""Picks out of a session's events what a person wants to hear of, and says it in one line each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from src.application.trading.snapshot import PositionLine, SessionSnapshot
from src.domain.ledger.events import (
    AlarmRaised,
    Event,
    FillBooked,
    IncomeBooked,
    OrderDenied,
    OrderIntended,
    OrderMoved,
    RecoveryFinished,
    SessionMoved,
    TradingMoved,
)
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.transitions import OrderTrigger
from src.domain.positions.position import Position
from src.domain.sessions.session import SessionTrigger
from src.interfaces.cli.texts import price, quantity, signed

DENIAL_REPEAT_MS = 600_000
"""The same refusal of the same strategy is said once in this session time; the log has each of them."""
_UNSAID = frozenset({SessionTrigger.START, SessionTrigger.INITIALIZED, SessionTrigger.CLEANED_UP})
"""Steps of a session that the first and the last line of a screen speak of already."""
_TOLD = frozenset(
    {OrderMoved, OrderDenied, IncomeBooked, SessionMoved, TradingMoved, RecoveryFinished, AlarmRaised}
)
"""Events of which some are worth a line; fills have their own."""
_OVER = frozenset({OrderTrigger.FINAL_FILL, OrderTrigger.CANCEL, OrderTrigger.EXPIRE, OrderTrigger.REJECT})


class NoticeKind(StrEnum):
    """What happened; also the ``event`` of a JSON line."""

    ORDER_FILLED = "order_filled"
    ORDER_REJECTED = "order_rejected"
    ORDER_DENIED = "order_denied"
    POSITION_OPENED = "position_opened"
    POSITION_CLOSED = "position_closed"
    FUNDING_PAID = "funding_paid"
    SESSION_MOVED = "session_moved"
    TRADING_MOVED = "trading_moved"
    RECOVERED = "recovered"
    ALARM = "alarm"
    WHY_NOT = "why_not"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing worth a line. ``at_ms`` is session time, ``fields`` are for programs, ``gain`` colours the line."""

    kind: NoticeKind
    at_ms: int
    text: str
    fields: Mapping[str, Any]
    gain: Decimal | None = None


@dataclass(slots=True)
class _Held:
    """A position as its fills make it, and what its round trips have come to, less the commissions of both ends."""

    position: Position
    earned: Decimal = ZERO

    def take(self, fill: FillBooked, settle_asset: str) -> None:
        """Let a fill in, the way the books do; a commission in another asset is none of these figures."""
        commission = fill.commission if fill.commission_asset == settle_asset else ZERO
        trips = self.position.apply_fill(
            fill.side, fill.price, fill.quantity, commission, fill.strategy_id, fill.traded_ms, fill.trade_id
        )
        self.earned += sum((trip.net_pnl for trip in trips), ZERO)


@dataclass(slots=True)
class _Filled:
    """The fills of one order in one batch."""

    first: FillBooked
    fills: list[FillBooked] = field(default_factory=list)
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    commission: Decimal = ZERO
    realized_pnl: Decimal = ZERO

    def add(self, fill: FillBooked) -> None:
        self.fills.append(fill)
        self.quantity += fill.quantity
        self.cost += fill.quantity * fill.price
        self.commission += fill.commission
        self.realized_pnl += fill.realized_pnl


@dataclass(slots=True)
class Notices:
    """Follows one session; :meth:`of` is given the events of every commit, in order."""

    _held: dict[tuple[str, PositionSide], _Held] = field(default_factory=dict)
    _settle_asset: str = ""
    _purposes: dict[str, str] = field(default_factory=dict)
    _denied: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def start(self, snapshot: SessionSnapshot) -> None:
        """Begin with what a session already holds."""
        self._settle_asset = snapshot.settle_asset
        for line in snapshot.positions:
            position = _resumed(line)
            self._held[(position.symbol, position.position_side)] = _Held(position)
        for order in snapshot.orders:
            self._purposes[order.client_order_id] = order.purpose

    def of(self, at_ms: int, events: Sequence[Event]) -> list[Notice]:
        """The notices of one commit."""
        notices: list[Notice] = []
        fills: dict[tuple[str, PositionSide, int], _Filled] = {}
        for event in events:
            if isinstance(event, FillBooked):
                order = (event.symbol, event.position_side, event.exchange_order_id)
                fills.setdefault(order, _Filled(event)).add(event)
            elif isinstance(event, OrderIntended):
                self._purposes[event.attempt.client_order_id] = event.ticket.purpose.value
            elif type(event) in _TOLD:
                notices.extend(self._of_event(at_ms, event))
        for filled in fills.values():
            notices.extend(self._of_fills(at_ms, filled))
        for event in events:
            if isinstance(event, OrderMoved) and event.trigger in _OVER:
                self._purposes.pop(event.client_order_id, None)
        return notices

    def _of_event(self, at_ms: int, event: Event) -> Iterator[Notice]:
        match event:
            case OrderMoved(trigger=OrderTrigger.REJECT):
                fields = {"client_order_id": event.client_order_id, "reason": event.reason}
                text = f"{event.client_order_id} was rejected: {event.reason}"
                yield Notice(NoticeKind.ORDER_REJECTED, at_ms, text, fields)
            case OrderDenied():
                yield from self._of_denial(at_ms, event)
            case IncomeBooked() if event.is_funding:
                paid = {"symbol": event.symbol, "amount": event.amount, "asset": event.asset}
                text = f"{event.symbol} funding {signed(event.amount)} {event.asset}"
                yield Notice(NoticeKind.FUNDING_PAID, at_ms, text, paid, event.amount)
            case SessionMoved() if event.trigger not in _UNSAID:
                fields = {"trigger": event.trigger.value, "reason": event.reason}
                yield Notice(
                    NoticeKind.SESSION_MOVED, at_ms, _with_reason(event.trigger.value, event.reason), fields
                )
            case TradingMoved():
                fields = {"trigger": event.trigger.value, "reason": event.reason, "author": event.author}
                yield Notice(
                    NoticeKind.TRADING_MOVED, at_ms, _with_reason(event.trigger.value, event.reason), fields
                )
            case RecoveryFinished() if event.differences or not event.agrees:
                yield of_recovery(at_ms, event)
            case AlarmRaised():
                fields = {"subject": event.subject, "text": event.text}
                yield Notice(NoticeKind.ALARM, at_ms, f"{event.subject}: {event.text}", fields)
            case _:
                pass

    def _of_denial(self, at_ms: int, event: OrderDenied) -> Iterator[Notice]:
        key = (event.strategy_id, event.symbol, event.rule)
        before = self._denied.get(key)
        if before is not None and at_ms - before < DENIAL_REPEAT_MS:
            return
        self._denied[key] = at_ms
        fields = {
            "symbol": event.symbol,
            "side": event.side,
            "quantity": event.quantity,
            "strategy_id": event.strategy_id,
            "rule": event.rule,
            "text": event.text,
        }
        text = f"{event.side.value} {quantity(event.quantity)} {event.symbol} refused by {event.rule}: {event.text}"
        yield Notice(NoticeKind.ORDER_DENIED, at_ms, text, fields)

    def _of_fills(self, at_ms: int, filled: _Filled) -> Iterator[Notice]:
        fill = filled.first
        average = filled.cost / filled.quantity
        purpose = self._purposes.get(fill.client_order_id, "")
        fields = {
            "client_order_id": fill.client_order_id,
            "symbol": fill.symbol,
            "side": fill.side,
            "quantity": filled.quantity,
            "average_price": round(average, 8),
            "commission": filled.commission,
            "realized_pnl": filled.realized_pnl,
            "purpose": purpose,
            "strategy_id": fill.strategy_id,
        }
        text = (
            f"{fill.side.value} {quantity(filled.quantity)} {fill.symbol} @ {price(average)}"
            f" ({_spoken(purpose) or 'not ours'}, fee {filled.commission:.2f})"
        )
        yield Notice(NoticeKind.ORDER_FILLED, at_ms, text, fields)
        yield from self._of_position(at_ms, filled, average)

    def _of_position(self, at_ms: int, filled: _Filled, average: Decimal) -> Iterator[Notice]:
        fill = filled.first
        key = (fill.symbol, fill.position_side)
        held = self._held.setdefault(key, _Held(Position(*key)))
        before = held.position.quantity
        for each in filled.fills:
            held.take(each, self._settle_asset)
        after = held.position.quantity
        if before and (not after or (after > 0) is not (before > 0)):
            fields: dict[str, Any] = {"symbol": fill.symbol, "quantity": before, "net_pnl": held.earned}
            text = f"{_side(before)} {quantity(abs(before))} {fill.symbol}, net {signed(held.earned)}"
            yield Notice(NoticeKind.POSITION_CLOSED, at_ms, text, fields, held.earned)
            held.earned = ZERO
            before = ZERO
        if after and not before:
            fields = {"symbol": fill.symbol, "quantity": after, "entry_price": round(average, 8)}
            text = f"{_side(after)} {quantity(abs(after))} {fill.symbol} @ {price(average)}"
            yield Notice(NoticeKind.POSITION_OPENED, at_ms, text, fields)


def _resumed(line: PositionLine) -> Position:
    """A position that a session began with: one lot for all that is left of its entries."""
    position = Position(line.symbol, PositionSide(line.position_side))
    side = OrderSide.BUY if line.quantity > 0 else OrderSide.SELL
    entry = (line.lot_price or line.entry_price, abs(line.quantity), line.entry_commission)
    position.apply_fill(side, *entry, line.strategy_id, line.opened_ms, 0)
    return position


def of_recovery(at_ms: int, event: RecoveryFinished) -> Notice:
    """What a comparison has found that does not agree."""
    outcome = "they agree now" if event.agrees else f"{event.unresolved} orders are still unresolved"
    text = f"{event.differences} differences between store and exchange ({event.cause}): {outcome}"
    fields = {
        "cause": event.cause,
        "differences": event.differences,
        "unresolved": event.unresolved,
        "agrees": event.agrees,
    }
    return Notice(NoticeKind.RECOVERED, at_ms, text, fields)


def _side(signed_quantity: Decimal) -> str:
    return "LONG" if signed_quantity > 0 else "SHORT"


def _spoken(purpose: str) -> str:
    return purpose.lower().replace("_", " ")


def _with_reason(word: str, reason: str) -> str:
    return f"{_spoken(word)}: {reason}" if reason else _spoken(word)
