"""A checker that finds nothing proves nothing: bugs planted by these tests alone, each found within a few seeds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.store import StoreError
from src.application.trading.services import state_recovery_service
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions import exchange, fills, protection, sending
from src.domain.ledger.events import FillBooked, OrderIntended
from src.domain.ledger.evolve import _HANDLERS
from src.domain.orders.client_order_ids import client_order_id
from tests.simulation.seeds import run_seed

SEEDS = 30

Plant = Callable[[pytest.MonkeyPatch], None]


def sends_before_it_commits(patch: pytest.MonkeyPatch) -> None:
    """The requests leave first, the record of them follows."""

    async def flush(self: SessionLoop) -> None:
        while self.pending or self._staged:
            self.pending = self._staged = False
            effects, self._effects = self._effects, []
            self._outbox.run(effects)
            self.inputs.pump(self, 3)
            await self.store.commit(self.ledger)

    patch.setattr(SessionLoop, "flush", flush)


def places_no_stop(patch: pytest.MonkeyPatch) -> None:
    """Positions stay as they are."""
    patch.setattr(protection, "_place", lambda *_: None)


def reads_no_trades_when_it_recovers(patch: pytest.MonkeyPatch) -> None:
    """What was traded while nobody listened is never asked for."""

    async def none(*_: Any) -> tuple[list[Any], dict[str, int]]:
        return [], {}

    patch.setattr(state_recovery_service, "_trades", none)


def makes_ids_again_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    """Ids count from one in every process, without its epoch."""
    seen: dict[int, int] = {}

    def again(namespace: str, epoch: int, sequence: int, attempt: int = 1) -> str:
        first = seen.setdefault(epoch, sequence)
        return client_order_id(namespace, 1, sequence - first + 1, attempt)

    patch.setattr(sending, "client_order_id", again)


def books_a_fill_as_often_as_it_is_told(patch: pytest.MonkeyPatch) -> None:
    """Trade ids are not remembered."""
    book = fills.book_fill

    def forgetful(step: Any, fill: Any, order: Any, *forced: Any) -> None:
        ids = step.ledger.symbol(fill.symbol)
        ids.trade_ids.clear()
        ids.confirmed_trade_id = 0
        book(step, fill, order, *forced)

    patch.setattr(exchange, "book_fill", forgetful)


def forgets_the_commission(patch: pytest.MonkeyPatch) -> None:
    """The wallet gets the profit and pays no fee."""
    booked = _HANDLERS[FillBooked]

    def free(ledger: Any, event: Any, at_ms: int) -> None:
        booked(ledger, event, at_ms)
        ledger.account.wallet["USDT"] += event.commission

    patch.setitem(_HANDLERS, FillBooked, free)


def reserves_twice(patch: pytest.MonkeyPatch) -> None:
    """Every order takes twice its exposure and gives back once."""
    intended = _HANDLERS[OrderIntended]

    def twice(ledger: Any, event: Any, at_ms: int) -> None:
        intended(ledger, event, at_ms)
        if not event.ticket.reduce_only:
            ledger.symbol(event.ticket.symbol).pending_buy += event.ticket.quantity

    patch.setitem(_HANDLERS, OrderIntended, twice)


@pytest.mark.parametrize(
    "plant",
    [
        sends_before_it_commits,
        places_no_stop,
        reads_no_trades_when_it_recovers,
        makes_ids_again_after_a_restart,
        books_a_fill_as_often_as_it_is_told,
        forgets_the_commission,
        reserves_twice,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    plant(monkeypatch)

    for seed in range(SEEDS):
        try:
            if run_seed(seed, tmp_path).violations:
                return
        except (StoreError, AssertionError, ArithmeticError, LookupError):
            # The store, or an assertion that stays on in production, stopped it.
            return
    pytest.fail(f"{plant.__name__} went through {SEEDS} seeds unnoticed")
