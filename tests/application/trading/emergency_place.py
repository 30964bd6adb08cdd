"""An account at the simulated exchange with its side journal, for emergencies."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from src.application.trading.services.emergency_close import EmergencyClose, EmergencyReport
from src.domain.orders.client_order_ids import is_emergency
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from src.infrastructure.persistence import side_journal
from src.infrastructure.persistence.side_journal import FileSideJournal, SideHeader, ensure
from src.infrastructure.simulated_exchange.latency import LatencyModel
from src.infrastructure.time.timeline import Timeline
from tests.support.engine_builders import BTC, Frames, a_request, an_engine, an_instrument

NAMESPACE = "abc"
HEADER = SideHeader("20084ca7-account", "paper", NAMESPACE)


@dataclass
class Place:
    """An account at the simulated exchange with its side journal; ``lines`` is what people were told."""

    folder: Path
    instrument: Any = field(default_factory=an_instrument)
    lines: list[str] = field(default_factory=list)
    damage: str = ""
    latency: LatencyModel = LatencyModel(seed=1)

    def __post_init__(self) -> None:
        self.engine = an_engine(":memory:", self.instrument)
        self.frames = Frames(start_ms=self.engine.now_ms)
        self.timeline = Timeline(self.engine.now_ms * 1_000_000)
        self.broker = PaperBroker(self.engine, self.timeline, latency=self.latency)
        self.quote()

    def quote(self, quantity: str = "500") -> None:
        self.broker.on_market(self.frames.ticker("76000.00", "76000.10", quantity, quantity))

    def order(self, **changes: Any) -> None:
        """Somebody's order at the exchange, at once."""
        request = a_request(self.engine, **changes)
        if "trigger_price" in changes:
            self.engine.new_algo_order(PAPER_ACCOUNT, request)
        else:
            self.engine.new_order(PAPER_ACCOUNT, request)
        self.engine.take_events()

    async def pass_time(self, delay_ms: int) -> None:
        """Everything arrives."""
        until_ns = self.timeline.now_ns + delay_ms * 1_000_000
        while self.timeline.next_ns is not None and self.timeline.next_ns <= until_ns:
            self.timeline.run_next()
        self.timeline.advance_to(until_ns)
        self.broker.on_time(self.timeline.now_ms)

    async def lose_everything(self, delay_ms: int) -> None:
        """Time passes, and nothing that was sent arrives."""
        self.timeline = self.broker._timeline = Timeline(self.timeline.now_ns + delay_ms * 1_000_000)
        self.broker.on_time(self.timeline.now_ms)

    async def close(self, *, arrives: bool = True, stops: bool = False) -> EmergencyReport:
        """One run of the command."""
        with closing(ensure(self.folder, HEADER)) as journal:
            earlier = replace(journal.claim(), damage=self.damage)
            pass_time = self.pass_time if arrives else self.lose_everything
            close = EmergencyClose(
                self.broker, journal, NAMESPACE, earlier, pass_time, self.lines.append, "3 a.m.", stops=stops
            )
            await self.broker.open(close)
            return await close.run()

    def recorded(self) -> list[Any]:
        with closing(FileSideJournal(side_journal.side_journal_path(self.folder, HEADER.account_id))) as file:
            return list(file.read().orders)

    @property
    def held(self) -> list[Decimal]:
        rows = self.engine.position_risk(PAPER_ACCOUNT)
        return [Decimal(row["positionAmt"]) for row in rows if Decimal(row["positionAmt"])]

    @property
    def sent(self) -> list[str]:
        """The ids of every order of an emergency that the exchange has taken."""
        names = [row["clientOrderId"] for row in self.engine.all_orders(PAPER_ACCOUNT, BTC, 0)]
        return [name for name in names if is_emergency(name, NAMESPACE)]
