"""A decision that fails half-way is told apart from one that changed nothing."""

import pytest

from src.domain.decisions import decide as module
from src.domain.decisions.news import Tick
from src.domain.decisions.step import Step
from src.domain.ledger.events import AlarmRaised
from src.domain.shared.errors import BrokenDecision
from tests.support.domain_scene import Scene


def test_what_fails_before_anything_happened_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch):
    def refuse(step: Step, news: Tick) -> None:
        raise ValueError("asked for the impossible")

    monkeypatch.setitem(module._HANDLERS, Tick, refuse)

    with pytest.raises(ValueError, match="asked for the impossible"):
        Scene().decide(Tick(mark_equity=False))


def test_what_fails_after_the_ledger_was_changed_ends_the_process(monkeypatch: pytest.MonkeyPatch):
    def fail_half_way(step: Step, news: Tick) -> None:
        step.emit(AlarmRaised("test", "the first half"))
        raise ValueError("the second half")

    monkeypatch.setitem(module._HANDLERS, Tick, fail_half_way)

    with pytest.raises(BrokenDecision, match="half-way: the second half") as broken:
        Scene().decide(Tick(mark_equity=False))
    # Commands answer with what callers may ask for in vain; this is none of it.
    assert not isinstance(broken.value, ValueError | LookupError)


@pytest.mark.parametrize("slip", [TypeError, AttributeError, ArithmeticError])
def test_what_nobody_foresaw_ends_the_process_as_nobody_knows_what_it_changed(
    monkeypatch: pytest.MonkeyPatch, slip: type[Exception]
):
    def stumble(step: Step, news: Tick) -> None:
        raise slip("a slip")

    monkeypatch.setitem(module._HANDLERS, Tick, stumble)

    with pytest.raises(BrokenDecision, match="half-way: a slip"):
        Scene().decide(Tick(mark_equity=False))
