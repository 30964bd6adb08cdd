"""Getting flat without a session: entries are cancelled, positions closed at the market, straight at the exchange.

For when the session's loop hangs, its process is gone, or its database cannot be written. Nothing here reads or writes
that database. Every order is reduce-only, so that it cannot do harm beside a session that closes as well; each is in
the side journal before its one transmission, and its outcome after. An order of unknown outcome is not followed by
another one for the same position, unless a person asks again when it can no longer arrive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.application.ports.broker import Broker, BrokerError, UserEvent
from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournal, SideJournalError, SideRecords
from src.application.trading.services.emergency_orders import (
    ANSWER_WAIT_MS,
    LOOK_MS,
    PassTime,
    SentOrders,
    Tell,
    short,
)
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import (
    CancelAccepted,
    CancelOutcome,
    ModifyOutcome,
    OrderReport,
    PositionReport,
    SubmitOutcome,
)
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review_emergency
from src.domain.risk.rules import MANUAL

ROUNDS_MAX: Final = 4
"""How often entries are looked for, and a position is closed again that a thin book left in part."""


@dataclass(frozen=True, slots=True)
class EmergencyReport:
    """What is left after an emergency. ``protective`` counts orders that can only reduce.

    ``unknown`` are orders of which nobody knows whether they exist, ``troubles`` what could not be done.
    """

    positions: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    protective: int = 0

    @property
    def is_flat(self) -> bool:
        """Whether the exchange shows neither a position nor an order that could open one, and nothing failed."""
        return not (self.positions or self.opening or self.troubles)


class EmergencyClose:
    """One run for one account. The broker delivers its answers here; a user stream is not needed.

    ``namespace`` is the account's, ``earlier`` what its side journal held already. With ``stops``, orders that only
    reduce are canceled as well, where nothing is held in the end.
    """

    def __init__(
        self,
        broker: Broker,
        journal: SideJournal,
        namespace: str,
        earlier: SideRecords,
        pass_time: PassTime,
        tell: Tell,
        reason: str,
        *,
        stops: bool = False,
    ) -> None:
        self._broker = broker
        self._ends_stops = stops
        self._earlier = earlier
        self._pass_time = pass_time
        self._tell = tell
        self._reason = reason
        self._orders = SentOrders(broker, journal, namespace, pass_time, tell)
        self._cancels: dict[str, CancelOutcome | None] = {}
        self._instruments: dict[str, Instrument] = {}

    async def run(self) -> EmergencyReport:
        """Do all that can be done, and say what could not be; raises nothing of the exchange's."""
        if self._earlier.damage:
            self._orders.trouble(f"the side journal is damaged: {self._earlier.damage}")
        await self._recall()
        await self._cancel_entries()
        await self._read_sizes()
        for number in range(ROUNDS_MAX):
            held = await self._positions()
            closing = [each for each in held if not self._orders.is_doubtful(_key(each))]
            if not closing or not self._close(closing):
                break
            await self._orders.settle()
            await self._pass_time(LOOK_MS << number)
        if self._ends_stops:
            await self._cancel_stops()
        return await self._report()

    async def _recall(self) -> None:
        """Settle what an earlier run left unknown: once it cannot arrive any more, another order may be sent."""
        for order in self._earlier.orders:
            if order.is_unknown:
                self._orders.recall(order)
        await self._orders.settle()

    # --- entries ----------------------------------------------------------------------------------------------

    async def _cancel_entries(self) -> None:
        """Ask for the end of every order that could open a position, whoever made it."""
        for _ in range(ROUNDS_MAX):
            try:
                opening, _ = await self._open_orders()
            except BrokerError as error:
                self._orders.trouble(f"open orders cannot be read, none is canceled: {error}")
                return
            if not opening:
                return
            await self._cancel_all(opening)

    async def _cancel_stops(self) -> None:
        """Ask for the end of what only reduces, where nothing was held before it was looked for, nor after."""
        try:
            held = await self._broker.positions()
            _, reducing = await self._open_orders()
            held = [*held, *await self._broker.positions()]
        except BrokerError as error:
            self._orders.trouble(f"orders that only reduce are not canceled: {error}")
            return
        sides = set(map(_key, held))
        await self._cancel_all([each for each in reducing if (each.symbol, each.position_side) not in sides])

    async def _open_orders(self) -> tuple[list[OrderReport], list[OrderReport]]:
        """Those that may open a position, and those that can only reduce one."""
        found = [*await self._broker.open_orders(), *await self._broker.open_algo_orders()]
        return [each for each in found if not each.reduce_only], [each for each in found if each.reduce_only]

    async def _cancel_all(self, reports: Iterable[OrderReport]) -> None:
        """Ask for the end of orders, and wait for the answers."""
        for report in reports:
            self._cancel(report)
        waited_ms = 0
        while waited_ms < ANSWER_WAIT_MS and not all(self._cancels.values()):
            await self._pass_time(LOOK_MS)
            waited_ms += LOOK_MS

    def _cancel(self, report: OrderReport) -> None:
        name = report.client_order_id
        if name not in self._cancels:
            self._tell(f"{name}: cancel {report.side.value} {report.quantity:f} {report.symbol}")
        self._cancels[name] = None
        failpoint("emergency.before_cancel")
        self._broker.cancel(report.symbol, name, report.algo_id is not None)

    # --- positions --------------------------------------------------------------------------------------------

    async def _positions(self) -> list[PositionReport]:
        """What is held; none, and a trouble, when that cannot be read."""
        try:
            return await self._broker.positions()
        except BrokerError as error:
            self._orders.trouble(f"positions cannot be read: {error}")
            return []

    async def _read_sizes(self) -> None:
        """The steps and largest orders at the market, by symbol; without them a position is closed in one."""
        try:
            listed = await self._broker.instruments()
        except BrokerError as error:
            self._tell(f"sizes of orders cannot be read, each position is closed in one: {error}")
            return
        self.on_instruments(listed)

    def _close(self, positions: Iterable[PositionReport]) -> bool:
        """Record and send what closes them; False when something cannot be recorded, and so is not sent."""
        try:
            for held in positions:
                instrument = self._instruments.get(held.symbol)
                for quantity in _parts(abs(held.quantity), instrument):
                    verdict = review_emergency(held, _ticket(held, quantity, self._reason), instrument)
                    if isinstance(verdict, Approved):
                        self._orders.send(verdict)
                    else:
                        self._orders.trouble(f"{held.symbol} is not closed: {verdict.objection.text}")
        except SideJournalError as error:
            self._orders.trouble(f"nothing more is sent: {error}")
            return False
        return True

    # --- answers ----------------------------------------------------------------------------------------------

    def on_submit_outcome(self, outcome: SubmitOutcome) -> None:
        """The answer to an order."""
        self._orders.answer(outcome)

    def on_cancel_outcome(self, outcome: CancelOutcome) -> None:
        """The answer to a cancel; whether the order is gone, the next read says."""
        if not isinstance(outcome, CancelAccepted):
            self._tell(f"{outcome.client_order_id}: not canceled yet")
        self._cancels[outcome.client_order_id] = outcome

    def on_modify_outcome(self, outcome: ModifyOutcome) -> None:
        """Nothing is amended here."""

    def on_instruments(self, instruments: list[Instrument]) -> None:
        """The steps and largest orders that the next round goes by."""
        self._instruments = {each.symbol: each for each in instruments}

    def on_user_event(self, event: UserEvent) -> None:
        """News of the account; what counts here is asked for."""

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        """No stream is needed here."""

    # --- the end ----------------------------------------------------------------------------------------------

    async def _report(self) -> EmergencyReport:
        # What was sent before the records failed has answers to come.
        await self._orders.settle()
        held = tuple(map(_held, await self._positions()))
        opening: list[OrderReport] = []
        reducing: list[OrderReport] = []
        try:
            opening, reducing = await self._open_orders()
        except BrokerError as error:
            self._orders.trouble(f"open orders cannot be read: {error}")
        names = tuple(report.client_order_id for report in opening)
        troubles = tuple(self._orders.troubles)
        return EmergencyReport(held, names, self._orders.unknown(), troubles, len(reducing))


def _key(held: PositionReport) -> tuple[str, PositionSide]:
    return held.symbol, held.position_side


def _held(position: PositionReport) -> str:
    side = "" if position.position_side is PositionSide.BOTH else f" {position.position_side.value}"
    return f"{position.quantity:f} {position.symbol}{side}"


def _ticket(held: PositionReport, quantity: Decimal, reason: str) -> OrderTicket:
    return OrderTicket(
        symbol=held.symbol,
        side=OrderSide.SELL if held.quantity > 0 else OrderSide.BUY,
        order_type=OrderType.MARKET,
        quantity=quantity,
        purpose=Purpose.EMERGENCY,
        # Nobody here knows whose position it is; the session does, when it imports the order.
        strategy_id=MANUAL,
        reference_price=held.mark_price or held.entry_price,
        reduce_only=True,
        position_side=held.position_side,
        reason=short(reason),
    )


def _parts(quantity: Decimal, instrument: Instrument | None) -> Iterable[Decimal]:
    """The quantity in orders that the exchange takes; the last one may be larger, and is capped at what is held."""
    return (quantity,) if instrument is None else instrument.closing_parts(quantity)
