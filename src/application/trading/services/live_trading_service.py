"""The live trading service: sessions, orders and positions for callers inside the process.

The session itself is in ``live_session.py``, the calls about orders in ``live_orders.py``; positions and figures
are here.
"""

from collections.abc import Callable

from src.application.trading.by_hand import PositionNotFound, adjusting_ticket, closing_ticket, send_by_hand
from src.application.trading.requests import ExecutionResult, LiveMetrics, Number, SessionStats, decimal
from src.application.trading.services.live_order_changes import LiveOrderChanges
from src.application.trading.services.live_orders import OrderNotFound
from src.application.trading.services.live_session import Assemble, NoSession
from src.application.trading.session_runner import SessionRunner
from src.application.trading.snapshot import PositionLine
from src.domain.market.sides import PositionSide
from src.domain.orders.ticket import OrderTicket

__all__ = ["Assemble", "LiveTradingService", "NoSession", "OrderNotFound", "PositionNotFound"]


class LiveTradingService(LiveOrderChanges):
    """One session at a time.

    ``assemble`` turns a request into the session's parts; without it, ``config`` (or the settings alone) says how,
    and a paper session is found in the data folder. The three repositories of document 002 are read models of the
    one store that the parts bring, so None is as good as one. ``event_bus``, when given, is the session's own.
    """

    # --- positions ------------------------------------------------------------------------------------------

    async def get_positions(self) -> list[PositionLine]:
        """Open positions at mark price."""
        return list(self._tracker().open_positions())

    async def close_position(
        self, symbol: str, reason: str = "closed by hand", position_side: PositionSide | str | None = None
    ) -> ExecutionResult:
        """Close a position at the market; ``position_side`` tells LONG from SHORT where both are held.

        Raises :class:`PositionNotFound` when there is none, ValueError when it has to be said which.
        """
        return await self._by_hand(lambda r: closing_ticket(r, symbol, reason, position_side))

    async def adjust_position(
        self, symbol: str, target_quantity: Number, position_side: PositionSide | str | None = None
    ) -> ExecutionResult:
        """Bring a position to a size at the market (base asset, below zero for short; 0 closes it).

        What grows it or turns it around meets every rule of an entry. Without an order when it is there already. In
        hedge mode ValueError for 0 where both sides are held and none is named.
        """
        target = decimal(target_quantity, "the target quantity")
        return await self._by_hand(lambda r: adjusting_ticket(r, symbol, target, position_side))

    async def _by_hand(self, make: Callable[[SessionRunner], OrderTicket | None]) -> ExecutionResult:
        """Send the ticket that ``make`` finds in its turn, if it finds one, and wait for the outcome."""

        def send(runner: SessionRunner) -> str | ExecutionResult:
            ticket = make(runner)
            return ExecutionResult(True, "") if ticket is None else send_by_hand(runner, ticket)

        return await self._settled(await self._command(send))

    # --- figures --------------------------------------------------------------------------------------------

    async def get_session_stats(self) -> SessionStats:
        """The session's figures so far."""
        runner = self._active()
        equity = self._tracker().equity()
        return SessionStats.of(runner.session, runner.loop.now_ms(), self.statistics, equity)

    async def get_metrics(self) -> LiveMetrics:
        """The session now."""
        return LiveMetrics.of(self._active().loop.ledger, self._tracker())
