"""A broker whose reads are tried again and stand behind a circuit breaker; all else passes as it is.

A read may be repeated freely. A submit goes through untouched, once: its outcome is settled by evidence. A cancel
needs no repetition here, since the session's watchdog repeats it once a second until the order has an end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

from src.application.ports.broker import (
    Broker,
    BrokerError,
    BrokerUnavailable,
    CircuitOpenError,
    NetworkError,
    RateLimitError,
)
from src.infrastructure.brokers.binance_answers import UNREADABLE
from src.infrastructure.brokers.circuit_breaker import CircuitBreaker

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

READS: Final = frozenset(
    {
        "find",
        "find_by_exchange_id",
        "first_trades",
        "open_orders",
        "open_algo_orders",
        "orders",
        "positions",
        "balances",
        "trades",
        "income",
        "server_time",
        "leverage",
        "leverage_brackets",
        "margin_type",
        "hedge_mode",
        "instruments",
        "key_permissions",
    }
)
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
"""A rate limit that asks for more than this is handed to the caller, who has better things to do than to wait."""
RECOVERY_S: Final = 5.0
"""How long the circuit stays open. What filled while the network was away stands without a stop until it is read: a
minute, the breaker's own default, is too long for that."""


def guarded(
    broker: Broker,
    retry_attempts: int,
    breaker: CircuitBreaker | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Broker:
    """The broker with its reads tried ``retry_attempts`` times more, after 0.1, 0.2, 0.4 … seconds.

    Only :class:`BrokerUnavailable`, also for what cannot be read, and :class:`RateLimitError` are tried again: any
    other error is an answer.
    """
    breaker = breaker or CircuitBreaker(recovery_timeout=RECOVERY_S, failures=BrokerUnavailable)
    return cast(Broker, _GuardedReads(broker, retry_attempts, breaker, sleep))


class _GuardedReads:
    """Behaves as the broker it stands before; what is not a read is taken from it once, and costs nothing after."""

    def __init__(self, broker: Broker, retry_attempts: int, breaker: CircuitBreaker, sleep: Sleep) -> None:
        self.guarded = broker
        self.breaker = breaker
        self._retry_attempts = retry_attempts
        self._sleep = sleep
        for name in READS:
            setattr(self, name, partial(self._read, getattr(broker, name)))
        for name in ("submit", "cancel", "interpret", "venue_time"):
            setattr(self, name, getattr(broker, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guarded, name)

    async def _read(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        try:
            return await self.breaker.call(_read_out, read, *arguments)
        except (BrokerUnavailable, RateLimitError) as error:
            if not self._retry_attempts or not _is_worth_waiting(error):
                raise
            await self._sleep(_wait(error, 1))
        return await self._again(read, *arguments)

    async def _again(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        # Loaded when something went wrong: a start does without its 20 ms.
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt
        from tenacity import RetryCallState as State

        def wait(state: State) -> float:
            assert state.outcome is not None, "a wait follows an attempt"
            return _wait(state.outcome.exception(), state.attempt_number + 1)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._retry_attempts),
            wait=wait,
            retry=retry_if_exception(_is_worth_waiting),
            sleep=self._sleep,
            reraise=True,
        )
        result: T = await retrying(self.breaker.call, _read_out, read, *arguments)
        return result


async def _read_out(read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """The answer; one of a shape that nobody knows is none."""
    try:
        return await read(*arguments)
    except BrokerError:
        raise
    except UNREADABLE as error:
        raise NetworkError(f"an answer that cannot be read: {type(error).__name__} {error}") from error


def _is_worth_waiting(error: BaseException) -> bool:
    if isinstance(error, RateLimitError):
        return error.retry_after <= LONGEST_WAIT_S
    return isinstance(error, BrokerUnavailable) and not isinstance(error, CircuitOpenError)


def _wait(error: BaseException | None, attempt: int) -> float:
    """Seconds before the next attempt: as long as the exchange says, else twice as long each time."""
    if isinstance(error, RateLimitError):
        return error.retry_after
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))
