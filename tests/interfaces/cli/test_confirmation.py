"""Money is put at stake by a person who typed one sentence, and by nobody else."""

from decimal import Decimal

import pytest

from src.interfaces.cli.composition import ConfigurationError, LivePlan
from src.interfaces.cli.confirmation import confirm_live

PLAN = LivePlan("1a2b3c4d", ("BTCUSDT", "ETHUSDT"), 5, Decimal("0.02"), Decimal("0.1"))


def test_the_sentence_asked_for_is_the_only_way_on(capsys: pytest.CaptureFixture[str]):
    confirm_live(PLAN, is_terminal=True, ask=lambda question: " trade live 1a2b3c4d\n")

    shown = capsys.readouterr().out
    assert all(word in shown for word in ("1a2b3c4d", "BTCUSDT, ETHUSDT", "5x", "2.00%", "10.00%"))


@pytest.mark.parametrize("typed", ["", "y", "yes", "trade live", "trade live 1a2b3c4e"])
def test_anything_else_starts_nothing(typed: str):
    with pytest.raises(ConfigurationError, match="nothing was started"):
        confirm_live(PLAN, is_terminal=True, ask=lambda question: typed)


def test_an_end_of_input_starts_nothing():
    def ask(question: str) -> str:
        raise EOFError

    with pytest.raises(ConfigurationError, match="nothing was started"):
        confirm_live(PLAN, is_terminal=True, ask=ask)


def test_without_a_terminal_nobody_is_asked():
    with pytest.raises(ConfigurationError, match="from a terminal"):
        confirm_live(PLAN, is_terminal=False, ask=lambda question: "trade live 1a2b3c4d")
