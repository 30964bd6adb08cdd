"""The circuit breaker of the documents: its three states, and exactly one probe however many calls there are."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.ports.broker import CircuitOpenError
from src.infrastructure.brokers.circuit_breaker import CircuitBreaker


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def answer(value: int = 1) -> int:
    return value


async def fail() -> int:
    raise OSError("nobody is there")


async def broken(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="nobody"):
            await breaker.call(fail)


async def test_the_circuit_opens_at_the_threshold_and_not_before():
    breaker = CircuitBreaker(failure_threshold=5, recovery_timeout=60)

    await broken(breaker, 4)
    assert (breaker.state, breaker.failure_count) == ("CLOSED", 4)
    await broken(breaker, 1)

    assert breaker.state == "OPEN"
    with pytest.raises(CircuitOpenError) as refused:
        await breaker.call(answer)
    assert 59 < refused.value.retry_after <= 60


async def test_a_success_in_between_begins_the_count_anew():
    breaker = CircuitBreaker()

    await broken(breaker, 4)
    assert await breaker.call(answer, value=7) == 7
    await broken(breaker, 4)

    assert breaker.state == "CLOSED"


@pytest.mark.parametrize(("probe", "then"), [(answer, "CLOSED"), (fail, "OPEN")])
async def test_after_the_timeout_a_probe_decides(probe, then: str):
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    await broken(breaker, 5)

    clock.now = 59.9
    with pytest.raises(CircuitOpenError):
        await breaker.call(answer)
    clock.now = 60
    await asyncio.gather(breaker.call(probe), return_exceptions=True)

    assert breaker.state == then


@pytest.mark.parametrize("outcome", [True, False])
async def test_of_many_calls_at_once_exactly_one_probes(outcome: bool):
    clock, probes, gate = Clock(), 0, asyncio.Event()
    breaker = CircuitBreaker(clock=clock)
    await broken(breaker, 5)
    clock.now = 61

    async def probe() -> int:
        nonlocal probes
        probes += 1
        await gate.wait()
        return await (answer() if outcome else fail())

    calls = [asyncio.create_task(breaker.call(probe)) for _ in range(50)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert probes == 1
    assert sum(isinstance(result, CircuitOpenError) for result in results) == 49
    assert breaker.state == ("CLOSED" if outcome else "OPEN")


async def test_a_cancelled_probe_leaves_its_place_to_the_next():
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    await broken(breaker, 5)
    clock.now = 61

    probe = asyncio.create_task(breaker.call(asyncio.sleep, 60))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)

    assert breaker.state == "OPEN"
    assert await breaker.call(answer) == 1


async def test_a_call_from_before_the_opening_neither_closes_nor_prolongs_it():
    clock, gate = Clock(), asyncio.Event()
    breaker = CircuitBreaker(clock=clock)

    async def late(fails: bool) -> int:
        await gate.wait()
        return await (fail() if fails else answer())

    early = [asyncio.create_task(breaker.call(late, fails)) for fails in (True, False)]
    await asyncio.sleep(0)
    await broken(breaker, 5)
    clock.now = 30
    gate.set()
    await asyncio.gather(*early, return_exceptions=True)

    assert (breaker.state, breaker.last_failure_time) == ("OPEN", 0)


async def test_an_answer_that_says_no_is_no_failure():
    breaker = CircuitBreaker(failure_threshold=1, failures=ConnectionError)

    await broken(breaker, 3)

    assert breaker.state == "CLOSED"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60))
def test_calls_pass_exactly_when_a_plain_model_says_so(steps: list[tuple[bool, int]]):
    async def run() -> None:
        clock = Clock()
        breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=20, clock=clock)
        in_a_row, opened_at = 0, None
        for succeeds, seconds in steps:
            clock.now += seconds
            refused = opened_at is not None and clock.now < opened_at + 20
            (result,) = await asyncio.gather(
                breaker.call(answer if succeeds else fail), return_exceptions=True
            )
            assert isinstance(result, CircuitOpenError) is refused
            if refused:
                continue
            in_a_row = 0 if succeeds else in_a_row + 1
            is_open = not succeeds and (opened_at is not None or in_a_row >= 3)
            opened_at = clock.now if is_open else None
            assert breaker.state == ("OPEN" if is_open else "CLOSED")

    asyncio.run(run())


@pytest.mark.parametrize("arguments", [(0, 60), (5, -1)])
def test_a_breaker_that_could_never_work_is_refused(arguments: tuple[int, int]):
    with pytest.raises(ValueError, match="threshold"):
        CircuitBreaker(*arguments)
