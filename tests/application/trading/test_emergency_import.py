"""A running session beside which somebody gets flat: it asks first, takes the orders over, sends none of its own."""

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from src.application.trading.session_runner import SessionRunner
from src.domain.ledger.events import AlarmRaised, OrderIntended
from src.domain.market.sides import OrderSide
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptTrigger
from src.domain.orders.types import OrderType, Purpose
from src.domain.sessions.trading_states import TradingState
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from src.infrastructure.brokers.paper_requests import order_request
from src.infrastructure.persistence.side_journal import FileSideJournal, side_journal_path
from tests.application.trading.sessions import begin, calm, events_of, order, pass_time
from tests.simulation.market import SYMBOL

QUANTITY = Decimal("0.020")


@dataclass
class Beside:
    """Whoever goes around a session: the exchange that both trade at, and the side journal."""

    runner: SessionRunner
    folder: Path

    @property
    def broker(self) -> PaperBroker:
        broker = self.runner.parts.broker
        assert isinstance(broker, PaperBroker)
        return broker

    def close(self, *, answered: bool = True, told: bool = True) -> EmergencyOrder:
        """Record a close, send it, record the answer, if there is one; the session's stream tells it, or is slow."""
        account, venue_ms = self.runner.parts.account, self.broker.venue_time().now_ms
        path = side_journal_path(self.folder, account.account_id)
        with closing(FileSideJournal(path)) as journal:
            journal.claim()
            name = emergency_order_id(account.namespace, venue_ms, journal.next_number)
            sent = EmergencyOrder(_a_close(), Attempt(name, venue_ms, 5_000))
            journal.append(sent)
            engine = self.broker._engine
            answer = engine.new_order(PAPER_ACCOUNT, order_request(sent.ticket, sent.attempt))
            if told:
                self.broker._send_events()
            if answered:
                order_id = int(answer["orderId"])
                sent = EmergencyOrder(sent.ticket, sent.attempt, AttemptTrigger.ACCEPTED, order_id)
                journal.append(sent)
        return sent

    async def live(self, ms: int) -> None:
        """Run the session as its runner does."""
        for _ in range(ms // 100):
            await pass_time(self.runner.loop, 100)
            if self.runner.loop.reconcile_wanted:
                await self.runner.reconcile()

    def throw(self) -> None:
        (self.folder / "HALT").write_text("hard: get out\n")

    @property
    def has_records(self) -> bool:
        return self.runner.parts.side_journal.has_records()


def _a_close() -> OrderTicket:
    return OrderTicket(
        symbol=SYMBOL,
        side=OrderSide.SELL,
        order_type=OrderType.MARKET,
        quantity=QUANTITY,
        purpose=Purpose.EMERGENCY,
        strategy_id="manual",
        reference_price=Decimal(100),
        reduce_only=True,
    )


async def holding(folder: Path) -> Beside:
    runner = await begin(calm(folder))
    order(runner, str(QUANTITY))
    await runner.loop.flush()
    await pass_time(runner.loop, 500)
    assert runner.loop.ledger.position(SYMBOL).quantity == QUANTITY
    return Beside(runner, folder)


def closes(folder: Path) -> list[str]:
    """The ids of all orders that closed in an emergency, whoever sent them."""
    intents = [e for e in events_of(calm(folder)) if isinstance(e, OrderIntended)]
    return [e.attempt.client_order_id for e in intents if e.ticket.purpose is Purpose.EMERGENCY]


async def test_a_hard_halt_behind_which_everything_was_closed_sends_no_order_of_its_own(tmp_path: Path):
    beside = await holding(tmp_path)

    beside.throw()
    sent = beside.close(told=False)
    await beside.live(5_000)

    ledger = beside.runner.loop.ledger
    assert ledger.position(SYMBOL).is_flat
    assert ledger.account.trading_state is TradingState.HALTED
    assert closes(tmp_path) == [sent.client_order_id]
    assert not beside.has_records


async def test_what_the_stream_tells_of_an_emergency_is_booked_as_the_sessions_own(tmp_path: Path):
    beside = await holding(tmp_path)

    beside.close()
    await beside.live(3_000)

    ledger = beside.runner.loop.ledger
    assert ledger.position(SYMBOL).is_flat
    assert ledger.account.trading_state is TradingState.ACTIVE
    texts = [event.text for event in events_of(calm(tmp_path)) if isinstance(event, AlarmRaised)]
    assert len([text for text in texts if "sent in an emergency" in text]) == 1
    assert not [text for text in texts if "not ours" in text or "not in the journal" in text]


async def test_an_order_without_a_recorded_answer_is_found_by_asking(tmp_path: Path):
    beside = await holding(tmp_path)

    beside.close(answered=False)
    await beside.live(3_000)

    assert beside.runner.loop.ledger.position(SYMBOL).is_flat
    assert not beside.has_records
    assert len(closes(tmp_path)) == 1


async def test_records_are_kept_while_whoever_writes_them_is_at_work(tmp_path: Path):
    beside = await holding(tmp_path)
    path = side_journal_path(tmp_path, beside.runner.parts.account.account_id)
    beside.close()

    with closing(FileSideJournal(path)) as writer:
        writer.claim()
        await beside.live(3_000)
        assert beside.has_records
        assert beside.runner.loop.ledger.position(SYMBOL).is_flat
        assert len(closes(tmp_path)) == 1
    beside.runner.loop.reconcile_wanted = "a test"
    await beside.live(1_000)

    assert not beside.has_records
    assert len(closes(tmp_path)) == 1
