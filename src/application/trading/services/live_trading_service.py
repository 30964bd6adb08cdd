"""The live trading service: sessions, orders and positions for callers inside the process.

The session itself is in ``live_session.py``, the calls about orders in ``live_orders.py``; positions and figures
are here.
"""

from src.application.trading.requests import ExecutionResult, LiveMetrics, OrderRequest, SessionStats
from src.application.trading.services.live_orders import LiveOrders, OrderNotFound
from src.application.trading.services.live_session import Assemble, NoSession
from src.application.trading.snapshot import PositionLine
from src.domain.market.sides import OrderSide
from src.domain.money import Quantity
from src.domain.risk.rules import MANUAL

__all__ = ["Assemble", "LiveTradingService", "NoSession", "OrderNotFound"]


class LiveTradingService(LiveOrders):
    """One session at a time.

    ``assemble`` turns a request into the session's parts; without it, ``config`` (or the settings alone) says how,
    and a paper session is found in the data folder. The three repositories of document 002 are read models of the
    one store that the parts bring, so None is as good as one. ``event_bus``, when given, is the session's own.
    """

    # --- positions ------------------------------------------------------------------------------------------

    async def get_positions(self) -> list[PositionLine]:
        """Open positions at mark price."""
        return list(self._tracker().open_positions())

    async def close_position(self, symbol: str, reason: str = "closed by hand") -> ExecutionResult:
        """Close a position at the market; raises :class:`OrderNotFound` when there is none."""
        runner = self._active()
        position = runner.loop.ledger.position(OrderRequest.of(symbol, OrderSide.BUY, 1).symbol)
        if position.is_flat:
            raise OrderNotFound(f"there is no position in {position.symbol}")
        return await self.execute_order(
            OrderRequest(
                position.symbol,
                position.side.opposite,
                Quantity(abs(position.quantity)),
                strategy_id=position.strategy_id or MANUAL,
                reduce_only=True,
            )
        )

    # --- figures --------------------------------------------------------------------------------------------

    async def get_session_stats(self) -> SessionStats:
        """The session's figures so far."""
        runner = self._active()
        return SessionStats.of(runner.session, runner.loop.inputs.now_ms(), self.statistics)

    async def get_metrics(self) -> LiveMetrics:
        """The session now."""
        return LiveMetrics.of(self._active().loop.ledger, self._tracker())
