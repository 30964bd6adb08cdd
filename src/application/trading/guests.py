"""How a user's own strategy is asked: whatever it does wrong ends it, never the session."""

from dataclasses import replace

from src.application.strategies import Strategy
from src.domain.market.candle import Candle
from src.domain.signals import Signal


class GuestFailed(Exception):
    """What a guest did wrong, in one line."""


def ask_guest(name: str, strategy: Strategy, candle: Candle) -> Signal | None:
    """The guest's answer to a candle, under the name that it runs by; raises :class:`GuestFailed`."""
    try:
        signal: object = strategy.on_candle(candle)
    except Exception as error:  # a stranger's code: whatever it raises is its end, told as such
        first = next(iter(str(error).splitlines()), "")
        raise GuestFailed(f"{name} failed with {type(error).__name__}: {first}") from error
    if signal is None:
        return None
    if not isinstance(signal, Signal) or signal.symbol != candle.symbol:
        raise GuestFailed(
            f"{name} answered a candle of {candle.symbol} with {str(signal)[:80]!r}, no signal for it"
        )
    return signal if signal.strategy_id == name else replace(signal, strategy_id=name)
