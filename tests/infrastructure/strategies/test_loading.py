"""Reading users' own strategies: one clear line for whatever is wrong with them."""

from pathlib import Path

import pytest

from src.application.strategies import UserStrategySpec
from src.bootstrap.settings import ROOT
from src.infrastructure.strategies.loading import load_strategy
from tests.application.strategies.builders import a_random_walk, candles, feed

GOOD = """
from src.application.strategies import SmaCrossParameters, SmaCrossStrategy

class Mine(SmaCrossStrategy):
    def __init__(self, fast=3, slow=10, symbol=None, strategy_id="mine"):
        super().__init__(SmaCrossParameters(fast, slow), symbol, strategy_id)

    def for_symbol(self, symbol):
        return type(self)(self._parameters.fast, self._parameters.slow, symbol)

class NoStrategy:
    strategy_id = "none"
    def on_candle(self, candle):
        return None

class Angry(Mine):
    def __init__(self):
        raise RuntimeError("not today\\nnor tomorrow")

class Leaving(Mine):
    def __init__(self):
        raise SystemExit(3)

class Shy(Mine):
    @property
    def why_not(self):
        raise RuntimeError("do not ask")

class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no words")

class Mute:
    def __init__(self):
        raise MuteError
"""


def a_file(folder: Path, text: str = GOOD) -> str:
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_strategy_in_a_file_gets_its_parameters_and_trades(tmp_path: Path):
    strategy = load_strategy(UserStrategySpec(a_file(tmp_path), "Mine", (("fast", "2"), ("slow", "5"))))

    signals = feed(strategy.for_symbol("BTCUSDT"), candles(a_random_walk(1, 200)))

    assert signals and strategy.history_bars == 11


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path):
    spec = UserStrategySpec(a_file(tmp_path), "Mine")
    before, again = load_strategy(spec), load_strategy(spec)

    a_file(tmp_path, GOOD.replace("slow=10", "slow=100"))
    after = load_strategy(spec)

    assert type(before) is type(again)
    assert (before.history_bars, after.history_bars) == (21, 201)


def test_the_example_of_the_page_on_strategies_trades(tmp_path: Path):
    page = (ROOT / "docs" / "strategies.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    strategy = load_strategy(UserStrategySpec(a_file(tmp_path, example), "Mine", (("period", "5"),)))

    signals = feed(strategy.for_symbol("BTCUSDT"), candles(a_random_walk(1, 200)))

    assert signals and strategy.history_bars == 6


def test_a_file_that_is_not_there_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError, match=str(tmp_path / "lab" / "mine.py")):
        load_strategy(UserStrategySpec("lab/mine.py", "Mine"))


def test_a_strategy_in_a_module_is_found_by_its_dotted_path():
    strategy = load_strategy(UserStrategySpec("src.application.strategies.rsi", "RSIStrategy"))

    assert strategy.symbol is None


@pytest.mark.parametrize(
    ("class_name", "parameters", "said"),
    [
        ("Other", (), "has no class Other: it has Mine, NoStrategy, Angry, Leaving, Shy"),
        ("NoStrategy", (), "is no strategy: it lacks for_symbol, warm, symbol"),
        ("Angry", (), "cannot be made: RuntimeError: not today"),
        ("Leaving", (), "cannot be made: SystemExit: 3"),
        ("Shy", (), "cannot be made: RuntimeError: do not ask"),
        ("Mute", (), "cannot be made: MuteError"),
        ("Mine", (("quick", "1"),), "cannot be made: TypeError"),
        ("Mine", (("fast", "9"), ("slow", "3")), "cannot be made: ValueError: fast=9 is not below slow=3"),
    ],
)
def test_what_is_no_strategy_is_refused_in_one_line(
    tmp_path: Path, class_name: str, parameters: tuple[tuple[str, str], ...], said: str
):
    with pytest.raises(ValueError) as refused:
        load_strategy(UserStrategySpec(a_file(tmp_path), class_name, parameters))

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nothing_here.at_all", "ModuleNotFoundError"),
        ("missing.py", "FileNotFoundError"),
        ("broken", "SyntaxError"),
        ("leaving", "SystemExit: 3"),
    ],
)
def test_code_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, where: str, said: str):
    text = {"broken": "class Mine(:\n", "leaving": "import sys\nsys.exit(3)\n"}.get(where)
    name = where if text is None else a_file(tmp_path, text)

    with pytest.raises(ValueError, match=said) as refused:
        load_strategy(UserStrategySpec(name, "Mine"))

    assert "\n" not in str(refused.value)
