"""Sending to Binance: an order once, its cancel as often as asked, and what each answer proves, told as an input.

An order leaves with the time and window that were fixed when it was decided; what the answer proves stands in
:mod:`binance_outcomes`. Answers come back as inputs of the session, through ``post``.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from src.application.ports.broker import BrokerError, BrokerSink, VenueTime
from src.application.ports.failpoints import failpoint
from src.domain.ledger.evolve_protection import BROKEN_FILTERS
from src.domain.orders.news import (
    Accepted,
    CancelAccepted,
    CancelOutcome,
    CancelRefused,
    CancelUnknown,
    ModifyOutcome,
    ModifyRefused,
    ModifyUnknown,
    NotSent,
    OutcomeUnknown,
    Refused,
    SubmitOutcome,
)
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket
from src.infrastructure.brokers.binance_answers import UNREADABLE, is_whole, modify_outcome
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_codes import NOT_IN_TIME
from src.infrastructure.brokers.binance_endpoints import CANCEL_ALGO, CANCEL_ORDER, MODIFY_ORDER, Endpoint
from src.infrastructure.brokers.binance_outcomes import Fate, Verdict, judge
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.brokers.binance_requests import modify_request, submit_request
from src.infrastructure.brokers.binance_transport import NoReply, Reply
from src.infrastructure.brokers.venue_clock import VenueClock

Post = Callable[[Callable[[], None]], None]

CANCEL_WINDOW_MS: Final = 5_000


class BinanceSending(BinanceReads):
    """The requests of the Broker port. ``post`` puts an action into the inbox; without a sink nothing is sent."""

    def __init__(self, client: BinanceClient, clock: VenueClock, post: Post) -> None:
        super().__init__(client, clock)
        self._post = post
        self._sink: BrokerSink | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_setting_clock = False

    def venue_time(self) -> VenueTime:
        """The estimate of the exchange's clock."""
        return self._clock.now()

    def answer_to(self, sink: BrokerSink) -> None:
        """Deliver answers without a user stream, for whoever asks what became of its orders."""
        self._sink = sink

    def submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Send the attempt on its way, unless the exchange's clock may have passed its deadline."""
        failpoint("broker.before_send")
        now = self.venue_time()
        if now.now_ms + now.error_ms > attempt.deadline_ms:
            reason = f"{now.now_ms + now.error_ms - attempt.deadline_ms} ms past its deadline"
            self._tell_submit(NotSent(attempt.client_order_id, reason))
            return
        self._run(self._submit(ticket, attempt))
        failpoint("broker.after_send")

    def rehearse(self, ticket: OrderTicket, attempt: Attempt) -> None:
        """Spell and sign the order's request."""
        self._client.rehearse(*submit_request(ticket, attempt))

    async def _submit(self, ticket: OrderTicket, attempt: Attempt) -> None:
        name = attempt.client_order_id
        endpoint, params = submit_request(ticket, attempt)
        try:
            verdict = self._judged(await self._client.transmit(endpoint, params))
        except NoReply as failure:
            self._tell_submit(
                OutcomeUnknown(name, str(failure)) if failure.sent else NotSent(name, str(failure))
            )
            return
        self._tell_submit(self._submit_outcome(name, verdict))

    def _submit_outcome(self, name: str, verdict: Verdict) -> SubmitOutcome:
        if verdict.fate is Fate.REFUSED:
            if verdict.code in BROKEN_FILTERS:
                self._run(self._read_filters())
            return Refused(name, verdict.code, verdict.message)
        if verdict.answer is None:
            return OutcomeUnknown(name, f"{verdict.message} ({verdict.code})")
        order_id, algo_id = _ids(verdict.answer, name)
        if order_id is None and algo_id is None:
            return OutcomeUnknown(name, "the answer does not name the order")
        return Accepted(name, order_id, algo_id)

    async def _read_filters(self) -> None:
        """The exchange does not take what our filters allow: they have changed."""
        try:
            found = await self.instruments()
        except (BrokerError, *UNREADABLE):
            # The next order that breaks one asks again.
            return
        self._answer(lambda sink: sink.on_instruments(found))

    def _judged(self, reply: Reply) -> Verdict:
        """What a reply proves; one that turns our time down has the clock set anew, and nothing is sent again."""
        verdict = judge(reply)
        if verdict.code in NOT_IN_TIME:
            self._clock.doubt()
            self._run(self._set_clock_anew())
        return verdict

    async def _set_clock_anew(self) -> None:
        if self._is_setting_clock:
            return
        self._is_setting_clock = True
        try:
            await self.set_clock()
        except BrokerError:
            # It stays doubted: the next signed read, or the next write refused so, asks again.
            return
        finally:
            self._is_setting_clock = False

    def cancel(self, symbol: str, client_order_id: str, conditional: bool) -> None:
        """Send a request to cancel; it may be repeated freely."""
        failpoint("broker.before_send")
        params: dict[str, object]
        if conditional:
            endpoint, params = CANCEL_ALGO, {"clientAlgoId": client_order_id}
        else:
            endpoint, params = CANCEL_ORDER, {"symbol": symbol, "origClientOrderId": client_order_id}
        params["recvWindow"] = CANCEL_WINDOW_MS
        params["timestamp"] = self.venue_time().now_ms
        self._run(self._cancel(client_order_id, endpoint, params))
        failpoint("broker.after_send")

    async def _cancel(self, name: str, endpoint: Endpoint, params: dict[str, object]) -> None:
        outcome: CancelOutcome
        try:
            verdict = self._judged(await self._client.transmit(endpoint, params))
        except NoReply as failure:
            outcome = CancelUnknown(name, str(failure))
        else:
            if verdict.fate is Fate.DONE:
                outcome = CancelAccepted(name)
            elif verdict.code in _NOT_CANCELED or verdict.fate is Fate.REFUSED:
                outcome = CancelRefused(name, verdict.code, verdict.message)
            else:
                outcome = CancelUnknown(name, f"{verdict.message} ({verdict.code})")
        self._answer(lambda sink: sink.on_cancel_outcome(outcome))

    def modify(self, amendment: Amendment) -> None:
        """Send an amendment once, unless the exchange's clock may have passed its deadline."""
        failpoint("broker.before_send")
        now = self.venue_time()
        if now.now_ms + now.error_ms > amendment.deadline_ms:
            # It never left: the order stands as it stood.
            late = ModifyRefused(amendment.client_order_id, 0, "past its deadline, not sent")
            self._answer(lambda sink: sink.on_modify_outcome(late))
            return
        self._run(self._modify(amendment))
        failpoint("broker.after_send")

    async def _modify(self, amendment: Amendment) -> None:
        name = amendment.client_order_id
        outcome: ModifyOutcome
        try:
            verdict = self._judged(await self._client.transmit(MODIFY_ORDER, modify_request(amendment)))
        except NoReply as failure:
            outcome = (
                ModifyUnknown(name, str(failure))
                if failure.sent
                else ModifyRefused(name, 0, f"not sent: {failure}")
            )
        else:
            outcome = self._modify_outcome(amendment, verdict)
        self._answer(lambda sink: sink.on_modify_outcome(outcome))

    def _modify_outcome(self, amendment: Amendment, verdict: Verdict) -> ModifyOutcome:
        name = amendment.client_order_id
        if verdict.answer is not None:
            return modify_outcome(name, verdict.answer)
        if verdict.fate is Fate.REFUSED or verdict.code in _NOT_AMENDED:
            return ModifyRefused(name, verdict.code, verdict.message)
        return ModifyUnknown(name, f"{verdict.message} ({verdict.code})")

    # --- answers ----------------------------------------------------------------------------------------------

    def _run(self, request: Coroutine[Any, Any, None]) -> None:
        """Let a request live by itself: whoever waited for it may be cancelled, the request may not."""
        if self._sink is None:
            request.close()
            return
        task = asyncio.get_running_loop().create_task(request)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A request that failed in a way nobody foresaw ends the session, rather than being forgotten."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._post(partial(_raise, error))

    def _tell_submit(self, outcome: SubmitOutcome) -> None:
        self._answer(lambda sink: sink.on_submit_outcome(outcome))

    def _answer(self, tell: Callable[[BrokerSink], None]) -> None:
        def delivered() -> None:
            if self._sink is not None:
                failpoint("broker.answer")
                tell(self._sink)

        self._deliver(delivered)

    def _deliver(self, action: Callable[[], None]) -> None:
        if self._sink is not None:
            self._post(action)


_NOT_CANCELED = frozenset({-2011, -2013})
_NOT_AMENDED = frozenset({-2011, -2013, -4117, -5024, -5025, -5026, -5027, -5029, -5043, -5047})


def _raise(error: BaseException) -> None:
    raise error


def _ids(answer: dict[str, Any], name: str) -> tuple[int | None, int | None]:
    """The order's ids, if the answer is about the order that was sent: an echo of another one proves nothing."""
    if answer.get("clientOrderId") == name and is_whole(answer.get("orderId")):
        return answer["orderId"], None
    if answer.get("clientAlgoId") == name and is_whole(answer.get("algoId")):
        return None, answer["algoId"]
    return None, None
