"""Strategies of a running session: enabled, disabled, changed, kept over restarts; and guests that misbehave."""

import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.plain_text import plain
from src.application.strategies import Strategy, StrategySpec, UserStrategySpec, parse_strategy_spec
from src.application.strategies.strategy import Progress
from src.application.trading.live_strategy_runner import OVERRUNS_MAX
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger.events import AlarmRaised, OrderIntended, StrategiesChosen
from src.domain.market.candle import Candle
from src.domain.market.sides import OrderSide
from src.domain.signals import Signal, SignalType
from src.infrastructure.persistence.read_models import SqliteReadModels
from tests.application.trading.sessions import begin, calm, die, events_of, parts_of, pass_time
from tests.simulation.market import SYMBOL

SMA, RSI = "sma_cross:fast=3,slow=10", "rsi"
GUEST = "my.own:Guest"


def ids(runner: SessionRunner) -> tuple[str, ...]:
    session = runner.loop.ledger.session
    assert session is not None
    return session.options.strategies


async def change(runner: SessionRunner, what: Callable[[], object]) -> None:
    what()
    await runner.loop.flush()


async def test_a_strategy_that_is_enabled_sees_the_next_candle(tmp_path: Path):
    runner = await begin(calm(tmp_path, strategies=(SMA,)))

    await change(runner, lambda: runner.board.enable("rsi"))
    await pass_time(runner.loop, 3_000)

    (_, line) = runner.board.view().running
    assert (line.strategy_id, ids(runner)) == (RSI, (SMA, RSI))
    assert "0 of" not in line.state[0]
    await die(runner)


async def test_a_strategy_that_is_disabled_is_asked_no_more(tmp_path: Path):
    runner = await begin(calm(tmp_path, strategies=(SMA, RSI)))

    await change(runner, lambda: runner.board.disable("sma_cross"))

    assert ids(runner) == (RSI,)
    assert [line.partition(":")[0] for line in runner.strategies.lines(SYMBOL)] == [RSI]
    await die(runner)


async def test_other_parameters_make_it_another_strategy(tmp_path: Path):
    runner = await begin(calm(tmp_path, strategies=(SMA, RSI)))

    await change(runner, lambda: runner.board.change("sma_cross", "slow=20"))

    assert ids(runner) == ("sma_cross:fast=3,slow=20", RSI)
    await die(runner)


async def test_a_restart_keeps_what_was_changed(tmp_path: Path):
    runner = await begin(config := calm(tmp_path, strategies=(SMA,)))
    await change(runner, lambda: runner.board.enable("bollinger:period=10"))
    await change(runner, lambda: runner.board.disable(SMA))
    await die(runner)
    reads = SqliteReadModels(config.database)
    (row,) = reads.accounts()
    ledger = reads.ledger(row.account_id)
    reads.close()
    assert ledger is not None and ledger.session is not None

    resumed = await begin(replace(config, strategies=ledger.session.options.strategies))

    assert ledger.session.options.strategies == ("bollinger:period=10",)
    assert resumed.resumed and [line.strategy_id for line in resumed.board.view().running] == [
        "bollinger:period=10"
    ]
    await die(resumed)
    reasons = [each.reason for each in events_of(config) if isinstance(each, StrategiesChosen)]
    assert reasons == ["bollinger:period=10 was enabled", f"{SMA} was disabled"]
    assert events_of(config, AlarmRaised) == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda board: board.enable(SMA), "enabled already"),
        (lambda board: board.enable("rsj"), "did you mean 'rsi'"),
        (lambda board: board.disable("macd_momentum"), "no strategy is macd_momentum: running are"),
        (lambda board: board.disable("sma_cross"), "several strategies are sma_cross"),
        (lambda board: board.change(SMA, "fast=30"), "not below slow"),
        (lambda board: board.change(SMA, "fast"), "write parameters like"),
        (lambda board: board.change(SMA, "fast=5"), "is enabled already"),
        (lambda board: board.enable(GUEST), "cannot be read here"),
    ],
)
async def test_a_change_without_a_meaning_changes_nothing(
    tmp_path: Path, act: Callable[[object], object], said: str
):
    strategies = (SMA, "sma_cross:fast=5,slow=10")
    runner = await begin(config := calm(tmp_path, strategies=strategies))
    runner.board._load = _nobody

    with pytest.raises(ValueError, match=said):
        act(runner.board)

    await runner.loop.flush()
    assert ids(runner) == strategies
    assert [each for each in events_of(config) if isinstance(each, StrategiesChosen)] == []
    await die(runner)


def _nobody(spec: UserStrategySpec) -> Strategy:
    raise ValueError(f"{spec.strategy_id} cannot be read here")


class Guest:
    """A user's strategy that does what a test says with every candle, through a shipped one."""

    def __init__(self, act: Callable[[Candle], object]) -> None:
        shipped = parse_strategy_spec("rsi")
        assert isinstance(shipped, StrategySpec)
        self._inner = shipped.make()
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def for_symbol(self, symbol: str) -> "Guest":
        return type(self)(self._act)

    def on_candle(self, candle: Candle) -> object:
        return self._act(candle)


async def begin_with(config: PaperConfig, guest: Guest) -> SessionRunner:
    """A started session that knows one guest."""
    parts = parts_of(config)
    parts.load_strategy = lambda spec: guest  # type: ignore[assignment, return-value]  # a Guest has what is called
    runner = SessionRunner(parts)
    await runner.start()
    return runner


async def run_guest(folder: Path, act: Callable[[Candle], object], took_ns: int = 0) -> list[AlarmRaised]:
    """Let a guest see ten seconds of market; each look at the stopwatch is so much later than the last."""
    config = calm(folder, strategies=(GUEST, SMA))
    now_ns = 0

    def stopwatch() -> int:
        nonlocal now_ns
        now_ns += took_ns
        return now_ns

    parts = parts_of(config)
    parts.load_strategy = lambda spec: Guest(act)  # type: ignore[assignment, return-value]  # a Guest has what is called
    parts.stopwatch = stopwatch
    runner = SessionRunner(parts)
    await runner.start()
    await pass_time(runner.loop, 10_000)
    names = ids(runner)
    await die(runner)
    alarms = [each for each in events_of(config) if isinstance(each, AlarmRaised)]
    assert names == ((SMA,) if alarms else (GUEST, SMA))
    return alarms


async def test_a_guest_in_time_stays(tmp_path: Path):
    assert await run_guest(tmp_path, lambda candle: None, took_ns=4_000_000) == []


async def test_a_guest_that_is_too_slow_three_times_is_disabled_with_an_alarm(tmp_path: Path):
    asked: list[Candle] = []

    (alarm,) = await run_guest(tmp_path, asked.append, took_ns=6_000_000)

    assert len(asked) == OVERRUNS_MAX
    assert alarm.text == f"{GUEST} took more than 5 ms for 3 candles"


async def test_a_guest_that_raises_is_disabled_at_once(tmp_path: Path):
    def fail(candle: Candle) -> Signal | None:
        raise ZeroDivisionError("in my own code\nsecond line")

    (alarm,) = await run_guest(tmp_path, fail)

    assert alarm.text == f"{GUEST} failed with ZeroDivisionError: in my own code"


async def test_a_guest_that_asks_for_the_end_of_the_program_is_disabled_and_does_not_get_it(tmp_path: Path):
    (alarm,) = await run_guest(tmp_path, lambda candle: sys.exit("no more of this"))

    assert alarm.text == f"{GUEST} failed with SystemExit: no more of this"


async def test_a_guest_that_answers_nonsense_is_disabled_at_once(tmp_path: Path):
    (alarm,) = await run_guest(tmp_path, lambda candle: "buy!")

    assert alarm.text == f"{GUEST} answered a candle of {SYMBOL} with 'buy!', no signal for it"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": ["It rose."]}, "a signal's reason cannot be ['It rose.']"),
        ({"reason": "It rose\x00."}, "a signal's reason cannot be"),
        ({"reason": "It rose\ud800."}, "a signal's reason cannot be"),
        ({"numbers": ((1, Decimal(5)),)}, "a signal's numbers cannot be ((1, Decimal('5')),)"),
        ({"at_ms": "now"}, "a signal's at_ms cannot be 'now'"),
        ({"signal_type": "buy"}, "'buy' is not a valid SignalType"),
    ],
)
async def test_a_guest_whose_signal_could_not_be_recorded_is_disabled_at_once(
    tmp_path: Path, changed: dict[str, Any], said: str
):
    (alarm,) = await run_guest(tmp_path, lambda candle: a_signal(**changed))

    assert said in alarm.text
    assert events_of(calm(tmp_path), OrderIntended) == []


async def test_a_guests_signal_type_may_be_its_name(tmp_path: Path):
    assert await run_guest(tmp_path, lambda candle: a_signal(signal_type="SELL")) == []

    entry = events_of(calm(tmp_path), OrderIntended)[0]
    assert isinstance(entry, OrderIntended) and entry.ticket.side is OrderSide.SELL


@pytest.mark.parametrize("change_to_it", [False, True])
async def test_a_guest_that_fails_to_warm_up_is_not_enabled(tmp_path: Path, change_to_it: bool):
    runner = await begin_with(config := calm(tmp_path, strategies=(GUEST, SMA)), Guest(lambda candle: None))

    class Angry(Guest):
        def warm(self, candles: object) -> None:
            raise RuntimeError("not today")

        progress = Progress(0, 5)

    runner.board._load = lambda spec: Angry(lambda candle: None)  # type: ignore[assignment, return-value]  # as above
    board = runner.board
    with pytest.raises(ValueError, match="failed with RuntimeError: not today"):
        board.change(GUEST, "a=1") if change_to_it else board.enable("my.own:Angry")

    await pass_time(runner.loop, 3_000)
    assert ids(runner) == (GUEST, SMA)
    assert list(runner.strategies.states(SYMBOL)) == [GUEST, SMA]
    await die(runner)
    assert events_of(config, AlarmRaised) == []


async def test_a_guest_of_another_symbol_is_shown_without_a_state(tmp_path: Path):
    guest = Guest(lambda candle: None)
    guest.__dict__["symbol"] = "ETHUSDT"

    runner = await begin_with(calm(tmp_path, strategies=(GUEST, SMA)), guest)

    assert [line.state != () for line in runner.board.view().running] == [False, True]
    await die(runner)


def a_signal(**changed: Any) -> Signal:
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "signal_type": SignalType.BUY,
        "strategy_id": GUEST,
        "confidence": Decimal("0.8"),
        "reason": "It rose.",
        "numbers": (),
        "reference_price": Decimal(60_000),
        "at_ms": 1,
    }
    return Signal(**values | changed)


@pytest.mark.parametrize("text", ["caf\udce9", "a\0b"], ids=["half a pair", "a NUL"])
async def test_a_guest_that_fails_in_words_no_database_takes_is_disabled(tmp_path: Path, text: str):
    def fail(candle: Candle) -> Signal | None:
        raise LookupError(text)

    (alarm,) = await run_guest(tmp_path, fail)

    assert plain(alarm.text) == alarm.text
    assert GUEST in alarm.text


class _Mute:
    """Fails even at saying what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class _MuteError(_Mute, LookupError):
    pass


@pytest.mark.parametrize("way", ["raises", "answers"])
async def test_a_guest_that_fails_without_words_is_disabled(tmp_path: Path, way: str):
    def fail(candle: Candle) -> object:
        if way == "raises":
            raise _MuteError
        return _Mute()

    (alarm,) = await run_guest(tmp_path, fail)

    assert GUEST in alarm.text
