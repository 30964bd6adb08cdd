"""The figures of a session that runs, kept up to date by what it publishes; nothing here slows its loop.

Trades and equity arrive after the commit that made them durable, with its time, and each is taken in constant time.
Those of an earlier process of the same session are read once, when it is resumed. A trade counts net of its commissions
here; funding is shared among trades by the report, which looks back, and stands beside them in the session's own sum.
"""

from decimal import Decimal

from src.application.ports.event_bus import EventBus
from src.application.ports.store import ReadModels
from src.application.trading.session_loop import COMMITTED_TOPIC
from src.application.trading.topics import TRADE_CLOSED_TOPIC
from src.domain.ledger.events import EquityMarked, Event, IncomeBooked
from src.domain.money import ZERO
from src.domain.performance.live import CurveTally, LiveCurve
from src.domain.performance.trades import TradeFigures, TradeTally
from src.domain.sessions.session import TradingSession


class LiveStatistics:
    """Follows one session over its bus; ``marked_every_ms`` is the session time between two points of its equity."""

    def __init__(self, settle_asset: str, marked_every_ms: int) -> None:
        self._settle_asset = settle_asset
        self._trades = TradeTally()
        self._curve = CurveTally(marked_every_ms)
        self._paid_in = ZERO

    def follow(self, bus: EventBus) -> None:
        """Take everything that is published from now on."""
        bus.subscribe(TRADE_CLOSED_TOPIC, self._trades.add)
        bus.subscribe(COMMITTED_TOPIC, self._committed)

    def remember(self, reads: ReadModels, account_id: str, session: TradingSession) -> None:
        """Take what the session did before this process; raises StoreError.

        The session's trades are the newest of the account, as many as it counted.
        """
        if session.total_trades:
            for trip in reads.round_trips(account_id, session.total_trades):
                self._trades.add(trip)
        paid = [(each.at_ms, each.amount) for each in reads.income(account_id) if self._is_paid_in(each)]
        for point in reads.equity_curve(account_id, session.id):
            # What was paid in before the first mark is part of it, and what is left afterwards of the next one.
            while paid and paid[0][0] <= point.at_ms:
                self._paid_in += paid.pop(0)[1]
            self._mark(point.at_ms, point.wallet + point.unrealized_pnl)
        self._paid_in += sum((amount for _, amount in paid), ZERO)

    def _committed(self, batch: tuple[int, tuple[Event, ...]]) -> None:
        at_ms, events = batch
        for event in events:
            if isinstance(event, EquityMarked):
                self._mark(at_ms, event.wallet + event.unrealized_pnl)
            elif isinstance(event, IncomeBooked) and self._is_paid_in(event):
                self._paid_in += event.amount

    def _is_paid_in(self, income: IncomeBooked) -> bool:
        return income.asset == self._settle_asset and income.is_transfer

    def _mark(self, at_ms: int, equity: Decimal) -> None:
        self._curve.add(at_ms, equity, self._paid_in)
        self._paid_in = ZERO

    @property
    def trades(self) -> TradeFigures:
        """What the session's trades came to, before funding."""
        return self._trades.figures()

    @property
    def curve(self) -> LiveCurve:
        """What its equity curve came to."""
        return self._curve.figures()
