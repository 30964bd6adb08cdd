"""The last rounds of a session: what is on its way arrives, positions are closed if that is wanted, books agree."""

from collections.abc import Callable

from src.application.ports.broker import BrokerError
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_loop import SessionLoop
from src.application.trading.synchrony import Synchrony
from src.application.trading.waiting import work_for
from src.domain.decisions.effects import CancelOrder
from src.domain.decisions.news import PlaceOrder, RaiseAlarm
from src.domain.decisions.protective_terms import is_bare
from src.domain.decisions.step import Now, Step
from src.domain.orders.transitions import AttemptState, CancelState
from src.domain.risk.review import Approved, review_reducing

ROUND_MS = 1_500
"""How long (session time) each round waits for what is on its way; recovery settles the rest."""
ROUNDS_MAX = 3
RISEN_MS = 500
"""How long (session time) a round waits for the end of an order of whose end no news is expected."""
DOUBTFUL_ROUNDS_MAX = 8
"""Rounds in which an order is of unknown outcome, or a position bare, at most.

A receive window and its settling are over by then, and a stop that was refused for the moment has been tried again.
"""


class StillOpen(BrokerError):
    """Orders that may yet open a position could not be ended: the session is not stopped, the next start goes on."""


class WindingUp:
    """Brings a session's orders to rest; where ``flattens`` says so positions are closed, else they keep their stops.

    It is asked in each round: somebody may want that only now. A position that has no stop just then is waited for.
    """

    def __init__(
        self,
        loop: SessionLoop,
        adapter: LiveBrokerAdapter,
        desk: MarketDesk,
        synchrony: Synchrony,
        *,
        flattens: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._adapter = adapter
        self._desk = desk
        self._synchrony = synchrony
        self._flattens = flattens

    async def run(self) -> None:
        """End with store and exchange in agreement; raises what reading the exchange raises.

        What recovery finds may need another order (a stop for a fill that nobody had heard of, the exit that was never
        sent), which has to arrive as well. An outcome that stays unknown stays reserved; the next start settles it.
        Raises :class:`StillOpen`, after an alarm for each, when orders are left that may open a position with nobody
        there to protect it.
        """
        risen = await self._work_rounds()
        orders = self._loop.ledger.orders.values()
        left = [(o.client_order_id, o.symbol) for o in orders if o.is_open and not o.ticket.reduce_only]
        left += [(each.client_order_id, each.symbol) for each in risen]
        if not left:
            return
        for name, symbol in left:
            text = f"{name} could not be ended and may still open a position: nobody protects it"
            self._loop.decide(RaiseAlarm(symbol, text))
        await self._loop.flush()
        names = ", ".join(f"{name} ({symbol})" for name, symbol in left)
        way_out = "; recover --release ID takes one for dead that is not there" if self._in_doubt() else ""
        raise StillOpen(
            f"the session is not stopped: {names} could not be ended and may still open a position: look at the "
            f"exchange; start-session goes on stopping{way_out}"
        )

    async def _work_rounds(self) -> tuple[CancelOrder, ...]:
        """Returns what the last comparison has shown though it was over: nothing but another one tells of its end."""
        risen: tuple[CancelOrder, ...] = ()
        rounds = doubtful = 0
        while rounds < ROUNDS_MAX and doubtful < DOUBTFUL_ROUNDS_MAX:
            if self._flattens():
                # A thin book takes a close in parts.
                self._close_all()
                await self._loop.flush()
            await self._wait()
            risen = (await self._synchrony.agree("stop")).risen
            if self._in_doubt():
                doubtful += 1
            elif risen or self._unfinished():
                rounds += 1
                if risen:
                    await work_for(self._loop, RISEN_MS)
            else:
                break
        return risen

    async def _wait(self) -> None:
        deadline_ms = self._loop.inputs.now_ms() + ROUND_MS
        while (self._unfinished() or self._in_doubt()) and self._loop.inputs.now_ms() < deadline_ms:
            if not await self._loop.turn():
                return

    def _close_all(self) -> None:
        for position in list(self._loop.ledger.positions.values()):
            instrument = self._desk.instrument(position.symbol)
            # A symbol without an instrument is none that the session trades.
            if position.is_flat or instrument is None:
                continue
            for part in instrument.closing_parts(abs(position.quantity)):
                ticket = self._adapter.exit(position, part, position.strategy_id, "the session closes")
                verdict = review_reducing(self._loop.ledger, ticket, instrument)
                if isinstance(verdict, Approved):
                    self._loop.decide(PlaceOrder(verdict))

    def _unfinished(self) -> bool:
        """Orders on their way, cancels without an end, and, when flattening, positions."""
        ledger = self._loop.ledger
        orders = [order for order in ledger.orders.values() if order.is_open]
        if any(
            o.attempt_state is AttemptState.OPEN or o.cancel_state is CancelState.REQUESTED for o in orders
        ):
            return True
        return self._flattens() and any(not position.is_flat for position in ledger.positions.values())

    def _in_doubt(self) -> bool:
        """Whether nobody knows of some order whether it happened, or a position has no stop that it is to have."""
        loop, ledger = self._loop, self._loop.ledger
        if any(order.attempt_state is AttemptState.UNKNOWN for order in ledger.orders.values()):
            return True
        now = Now(loop.now_ms(), loop.broker.venue_time().now_ms)
        step = Step(ledger, loop.desk, loop.policy, now)
        return any(is_bare(step, position) for position in ledger.positions.values())
