"""Planted bugs of the session itself: what it stores, reserves, books, protects and concludes."""

from typing import Any

import pytest

from src.application.trading.services import unheard_trades
from src.application.trading.services.unknown_outcomes import Fate, UnknownOutcomes
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions import decide, exchange, fills, income, orders, protection, sending
from src.domain.decisions.sending import cancel
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.evolve import _HANDLERS
from src.domain.orders import news as o
from src.domain.orders.client_order_ids import client_order_id
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState, OrderTrigger
from src.domain.orders.types import Purpose
from src.infrastructure.persistence.sqlite_store import SqliteStore


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

    patch.setattr(unheard_trades, "read_trades", none)


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

    def forgetful(step: Any, fill: Any, order: Any, *forced: Any, **terms: Any) -> bool:
        ids = step.ledger.symbol(fill.symbol)
        ids.trade_halves.clear()
        ids.confirmed_trade_id = 0
        return book(step, fill, order, *forced, **terms)

    patch.setattr(exchange, "book_fill", forgetful)


def forgets_the_commission(patch: pytest.MonkeyPatch) -> None:
    """The wallet gets the profit and pays no fee."""
    booked = _HANDLERS[e.FillBooked]

    def free(ledger: Any, event: Any, at_ms: int) -> None:
        booked(ledger, event, at_ms)
        ledger.account.wallet["USDT"] += event.commission

    patch.setitem(_HANDLERS, e.FillBooked, free)


def reserves_twice(patch: pytest.MonkeyPatch) -> None:
    """Every order takes twice its exposure and gives back once."""
    intended = _HANDLERS[e.OrderIntended]

    def twice(ledger: Any, event: Any, at_ms: int) -> None:
        intended(ledger, event, at_ms)
        if not event.ticket.reduce_only:
            ledger.symbol(event.ticket.symbol).pending_buy += event.ticket.quantity

    patch.setitem(_HANDLERS, e.OrderIntended, twice)


def answers_a_commit_before_it_is_written(patch: pytest.MonkeyPatch) -> None:
    """Every second commit is put off until the next one, as a disk does that is not synced."""
    commit = SqliteStore.commit
    calls = [0]

    async def lazy(self: SqliteStore, ledger: Any) -> None:
        calls[0] += 1
        if calls[0] % 2:
            await commit(self, ledger)

    patch.setattr(SqliteStore, "commit", lazy)


def remembers_the_last_trade_only(patch: pytest.MonkeyPatch) -> None:
    """Only the newest trade id of a symbol is known again."""
    book = fills.book_fill

    def forgetful(step: Any, fill: Any, order: Any, *forced: Any, **terms: Any) -> bool:
        ids = step.ledger.symbol(fill.symbol).trade_halves
        newest = max(ids, default=0)
        ids.intersection_update({newest})
        return book(step, fill, order, *forced, **terms)

    patch.setattr(exchange, "book_fill", forgetful)


def ignores_fills_of_strangers(patch: pytest.MonkeyPatch) -> None:
    """What nobody here has ordered is nobody's business."""
    book = fills.book_fill

    def deaf(step: Any, fill: Any, order: Any, *forced: Any, **terms: Any) -> bool:
        return order is not None and book(step, fill, order, *forced, **terms)

    patch.setattr(exchange, "book_fill", deaf)


def takes_a_refused_cancel_for_the_end(patch: pytest.MonkeyPatch) -> None:
    """There is no such order, so it is canceled."""

    def over(step: Step, news: o.CancelRefused) -> None:
        order = step.ledger.orders.get(news.client_order_id)
        if order is not None and order.is_open and order.attempt_state is AttemptState.ACKED:
            name, filled = order.client_order_id, order.claimed_quantity
            step.emit(e.OrderMoved(name, OrderTrigger.CANCEL, filled, step.now.venue_ms))

    patch.setitem(decide._HANDLERS, o.CancelRefused, over)


def books_income_as_often_as_it_is_told(patch: pytest.MonkeyPatch) -> None:
    """Transactions are not remembered."""
    booked = income.book_income

    def again(step: Any, row: Any) -> None:
        step.ledger.income_ids.clear()
        booked(step, row)

    patch.setattr(exchange, "book_income", again)


def forgets_funding(patch: pytest.MonkeyPatch) -> None:
    """Only trades change the wallet."""
    patch.setattr(exchange, "book_income", lambda *_: None)


def drops_the_reservation_while_unknown(patch: pytest.MonkeyPatch) -> None:
    """No answer, so nothing is reserved any more."""
    unknown = orders.submit_unknown

    def free(step: Step, news: o.OutcomeUnknown) -> None:
        order = step.ledger.orders[news.client_order_id]
        unknown(step, news)
        step.ledger.symbol(order.symbol).pending_buy -= order.quantity

    patch.setitem(decide._HANDLERS, o.OutcomeUnknown, free)


def takes_not_found_for_proof(patch: pytest.MonkeyPatch) -> None:
    """What one read does not show does not exist."""
    patch.setattr(UnknownOutcomes, "_fate", lambda *_: (Fate.DEAD, ""))


def cancels_the_old_stop_first(patch: pytest.MonkeyPatch) -> None:
    """A stop is replaced by ending it, and placing the other one then."""
    place = protection._place

    def replaced(step: Any, position: Any, purpose: Purpose) -> None:
        for order in list(step.ledger.orders.values()):
            if _stands(order, purpose):
                cancel(step, order, "replaced")
        place(step, position, purpose)

    patch.setattr(protection, "_place", replaced)


def _stands(order: Order, purpose: Purpose) -> bool:
    return order.is_open and order.ticket.purpose is purpose and order.attempt_state is AttemptState.ACKED


def takes_an_unknown_amendment_for_refused(patch: pytest.MonkeyPatch) -> None:
    """No answer, so the order is as it was."""
    refused = decide._HANDLERS[o.ModifyRefused]

    def undone(step: Step, news: o.ModifyUnknown) -> None:
        refused(step, o.ModifyRefused(news.client_order_id, 0, news.reason))

    patch.setitem(decide._HANDLERS, o.ModifyUnknown, undone)
