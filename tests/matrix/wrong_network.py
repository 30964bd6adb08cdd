"""Planted bugs of the kind that clients of exchanges have: what an answer, or none, is taken for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from src.application.ports.broker import VenueTime
from src.domain.orders.news import Accepted
from src.domain.orders.ticket import Attempt, OrderTicket
from src.infrastructure.brokers import binance_reads, binance_sending
from src.infrastructure.brokers.binance_outcomes import Fate, Verdict, judge
from src.infrastructure.brokers.binance_requests import submit_request
from src.infrastructure.brokers.binance_sending import BinanceSending
from src.infrastructure.brokers.binance_transport import NoReply, Reply
from src.infrastructure.brokers.venue_clock import VenueClock
from tests.matrix.virtual_time import virtual_ns

REFUSED = -2010


def sends_again_after_a_timeout(patch: pytest.MonkeyPatch) -> None:
    """No answer, so it is sent once more under the same id."""
    send = BinanceSending._submit

    async def twice(self: Any, ticket: OrderTicket, attempt: Attempt) -> None:
        endpoint, params = submit_request(ticket, attempt)
        try:
            await self._client.transmit(endpoint, params)
        except NoReply:
            await send(self, ticket, attempt)

    patch.setattr(BinanceSending, "_submit", twice)


def _instead_of_unknown(make: Callable[[Verdict, Reply], Verdict]) -> Callable[[Reply], Verdict]:
    def wrong(reply: Reply) -> Verdict:
        verdict = judge(reply)
        return make(verdict, reply) if verdict.fate is Fate.UNKNOWN else verdict

    return wrong


def takes_every_failure_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    """A 5xx means that nothing happened."""
    wrong = _instead_of_unknown(lambda verdict, reply: replace(verdict, fate=Fate.REFUSED, code=REFUSED))
    patch.setattr(binance_sending, "judge", wrong)


def takes_every_failure_for_a_success(patch: pytest.MonkeyPatch) -> None:
    """A 5xx means that it will have worked."""
    patch.setattr(BinanceSending, "_submit_outcome", _always_accepted)


def _always_accepted(self: Any, name: str, verdict: Verdict) -> Any:
    return Accepted(name, None, None)


def judges_by_the_local_clock(patch: pytest.MonkeyPatch) -> None:
    """Requests are stamped, and deadlines judged, by the machine's own clock."""
    patch.setattr(VenueClock, "now", lambda self: VenueTime(virtual_ns() // 1_000_000, 0))


def believes_answers_about_other_symbols(patch: pytest.MonkeyPatch) -> None:
    """What comes back is what was asked for."""
    patch.setattr(binance_reads, "_about", lambda symbol, answer: answer)
