"""A vote of strategies that share one position."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from src.application.strategies import (
    Direction,
    EnsembleParameters,
    EnsembleStrategy,
    Member,
    parse_strategy_spec,
)
from src.application.strategies.strategy import Progress
from src.domain.market.candle import Candle
from src.domain.signals import Signal, SignalType
from tests.application.strategies.builders import MINUTE_MS, candles, feed

BUY, SELL, EXIT = SignalType.BUY, SignalType.SELL, SignalType.EXIT


class Scripted:
    """A member that wishes for what a script says, by the number of the bar."""

    def __init__(self, script: dict[int, SignalType], confidence: str = "0.6", strategy_id: str = "scripted"):
        self.script = script
        self.confidence = Decimal(confidence)
        self.strategy_id = strategy_id
        self.symbol: str | None = None
        self.history_bars = 1
        self.is_warm = True
        self.progress = Progress(1, 1)
        self.why_not = ""

    def for_symbol(self, symbol: str) -> "Scripted":
        return Scripted(self.script, str(self.confidence), self.strategy_id)

    def warm(self, bars: Iterable[Candle]) -> None:
        for candle in bars:
            self.on_candle(candle)

    def on_candle(self, candle: Candle) -> Signal | None:
        wanted = self.script.get(candle.open_ms // MINUTE_MS)
        if wanted is None:
            return None
        return Signal(
            candle.symbol,
            wanted,
            self.strategy_id,
            self.confidence,
            "Scripted.",
            (),
            candle.close,
            candle.close_ms,
        )


def votes(*members: Member, bars: int = 30, **parameters: Any) -> list[tuple[int, SignalType, Decimal]]:
    ensemble = EnsembleStrategy(members, EnsembleParameters(**parameters))
    signals = feed(ensemble, candles([100] * bars))
    return [(each.at_ms // MINUTE_MS - 1, each.signal_type, each.confidence) for each in signals]


def test_the_bar_at_which_enough_weight_agrees_gives_the_one_signal():
    early, late, silent = Scripted({3: BUY}), Scripted({5: BUY, 6: BUY}, "0.8"), Scripted({})

    signals = votes(Member(early, 1), Member(late, 1), Member(silent, 1), agreement=0.6)

    assert signals == [(5, BUY, Decimal("0.7000"))]


def test_a_heavy_member_decides_alone_and_its_confidence_counts_more():
    heavy, light = Scripted({4: SELL}, "0.9"), Scripted({4: SELL}, "0.3")

    signals = votes(Member(heavy, 3), Member(light, 1), agreement=0.75)

    assert signals == [(4, SELL, Decimal("0.7500"))]


def test_votes_against_count_against():
    up, also_up, down = Scripted({3: BUY}), Scripted({3: BUY}), Scripted({3: SELL})

    assert votes(Member(up, 1), Member(also_up, 1), Member(down, 1), agreement=0.5) == []


def test_a_wish_is_forgotten_after_its_bars():
    early, late = Scripted({3: BUY}), Scripted({6: BUY})

    remembered = votes(Member(early, 1), Member(late, 1), agreement=1.0, memory=4)
    forgotten = votes(Member(early, 1), Member(late, 1), agreement=1.0, memory=3)

    assert [bar for bar, *_ in remembered] == [6]
    assert forgotten == []


def test_an_exit_takes_its_vote_back():
    fickle, steady = Scripted({3: BUY, 4: EXIT}), Scripted({5: BUY})

    assert votes(Member(fickle, 1), Member(steady, 1), agreement=1.0) == []


def test_an_ensemble_that_may_only_be_long_leaves_where_it_would_be_short():
    members = Member(Scripted({4: SELL}), 1), Member(Scripted({4: SELL}), 1)

    signals = votes(*members, direction=Direction.LONG)

    assert [kind for _, kind, _ in signals] == [EXIT]


def test_the_signal_carries_the_ensembles_name_and_says_who_agreed():
    spec = parse_strategy_spec("ensemble:members=sma_cross(fast=2;slow=4)*2+rsi(period=3),agreement=0.6")
    falling_then_rising = [110, 108, 106, 104, 102, 100, 108, 116, 124]

    [signal] = feed(spec.make("BTCUSDT"), candles(falling_then_rising))

    assert signal.strategy_id == spec.strategy_id
    assert "sma_cross:fast=2,slow=4" in signal.reason


def test_its_id_reads_back_as_the_same():
    text = "ensemble:members=sma_cross(fast=2;slow=4)*2+rsi,agreement=0.6"

    assert parse_strategy_spec(parse_strategy_spec(text).strategy_id) == parse_strategy_spec(text)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ("rsi", "two or more"),
        ("rsi+rsi", "two or more"),
        ("rsi+ensemble", "cannot be a member"),
        ("rsi+rsj", "did you mean 'rsi'"),
        ("rsi+sma_cross(fast=9;slow=3)", "not below slow"),
        ("rsi+sma_cross*0", "cannot read the member"),
        ("rsi+", "cannot read the member"),
    ],
)
def test_members_without_a_meaning_are_refused_in_one_line(members, said):
    with pytest.raises(ValueError, match=said) as refused:
        parse_strategy_spec(f"ensemble:members={members}")

    assert "\n" not in str(refused.value)
