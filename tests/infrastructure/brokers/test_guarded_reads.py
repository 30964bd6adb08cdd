"""Reads are tried again, behind a circuit breaker; submits and cancels go through untouched, once."""

from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from src.application.ports.broker import (
    Broker,
    BrokerRefused,
    BrokerUnavailable,
    CircuitOpenError,
    NetworkError,
    RateLimitError,
)
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.brokers.guarded_reads import LONGEST_WAIT_S, READS, RECOVERY_S, guarded
from tests.infrastructure.streams.small_exchange import small_exchange


class Line:
    """A broker over a line that fails as often as a test says; counts what arrives."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.arrived: list[str] = []
        self.waited: list[float] = []

    def __getattr__(self, name: str) -> Any:
        async def read(*arguments: object) -> str:
            self.arrived.append(name)
            if self.failures:
                raise self.failures.pop(0)
            return name

        def tell(*arguments: object) -> None:
            self.arrived.append(name)
            if self.failures:
                raise self.failures.pop(0)

        return read if name in READS else tell

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def guard(self, attempts: int = 3) -> Broker:
        return guarded(cast(Broker, self), attempts, sleep=self.sleep)


@pytest.mark.parametrize("name", sorted(READS))
async def test_every_read_survives_as_many_failures_as_there_are_attempts(name: str):
    line = Line(*[NetworkError("reset")] * 3)

    assert await getattr(line.guard(), name)() == name

    assert line.arrived == [name] * 4
    assert line.waited == [0.1, 0.2, 0.4]


@pytest.mark.parametrize("attempts", [0, 1, 3])
async def test_the_error_of_the_last_attempt_is_the_callers(attempts: int):
    line = Line(*[BrokerUnavailable(f"failure {number}") for number in range(9)])

    with pytest.raises(BrokerUnavailable, match=f"failure {attempts}"):
        await line.guard(attempts).positions()

    assert len(line.arrived) == attempts + 1


@pytest.mark.parametrize(
    "trouble", [KeyError("symbol"), TypeError("None"), ValueError("x"), ArithmeticError("x")]
)
async def test_an_answer_that_cannot_be_read_is_none_and_is_asked_for_again(trouble: Exception):
    line = Line(trouble)

    await line.guard().positions()

    assert line.arrived == ["positions"] * 2
    with pytest.raises(BrokerUnavailable, match=f"cannot be read: {type(trouble).__name__}"):
        await Line(trouble).guard(0).positions()


async def test_a_refusal_is_an_answer_and_is_not_asked_for_again():
    line = Line(BrokerRefused(-1121, "Invalid symbol."))

    with pytest.raises(BrokerRefused):
        await line.guard().positions()

    assert line.arrived == ["positions"]


async def test_a_rate_limit_is_waited_out_as_long_as_it_asks():
    line = Line(RateLimitError("too many", 1.5))

    await line.guard().positions()

    assert line.waited == [1.5]


async def test_a_long_rate_limit_is_handed_to_the_caller():
    line = Line(RateLimitError("banned", 120))

    with pytest.raises(RateLimitError) as limited:
        await line.guard().positions()

    assert (limited.value.retry_after, line.waited) == (120, [])


async def test_five_failures_in_a_row_leave_the_exchange_alone():
    line = Line(*[NetworkError("reset")] * 99)
    broker = line.guard(0)
    for _ in range(5):
        with pytest.raises(NetworkError):
            await broker.open_orders()

    with pytest.raises(CircuitOpenError):
        await broker.positions()

    assert line.arrived == ["open_orders"] * 5


def test_what_may_be_naked_is_not_left_unread_for_a_minute():
    guard: Any = Line().guard()

    assert guard.breaker.recovery_timeout == RECOVERY_S <= LONGEST_WAIT_S


@pytest.mark.parametrize("name", ["submit", "cancel", "modify"])
def test_what_is_no_read_is_never_tried_again(name: str):
    line = Line(NetworkError("reset"))

    with pytest.raises(NetworkError):
        getattr(line.guard(), name)()

    assert line.arrived == [name]


@pytest.mark.parametrize("status", [408, 500, 502, 503])
async def test_whatever_code_an_exchange_in_trouble_gives_it_is_no_refusal(status: int, tmp_path: Path):
    async def clock(_: web.Request) -> web.Response:
        return web.json_response(
            {"code": -1016, "msg": "This service is no longer available."}, status=status
        )

    async with small_exchange(tmp_path, [web.get("/fapi/v1/time", clock)]) as (client, _):
        with pytest.raises(BrokerUnavailable):
            await BinanceReads(client, client._clock).server_time()
