"""What a maker makes is what the class itself makes: equal, of the class, checked, and frozen."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.ledger.events import OrderIntended, SignalNote, make_order_intended, make_signal_note
from src.domain.market.candle import Candle, make_candle
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import Attempt, OrderTicket, make_attempt, make_ticket
from src.domain.orders.types import OrderType, Purpose
from src.domain.shared.errors import InvariantViolated
from src.domain.shared.making import maker
from src.domain.signals import Signal, SignalType, make_signal

ONE = Decimal(1)
TICKET = OrderTicket("BTCUSDT", OrderSide.BUY, OrderType.MARKET, ONE, Purpose.ENTRY, "manual", ONE)
ATTEMPT = Attempt("abc-0001-0000001-1-abcd", 1_000, 5_000)
NOTE = SignalNote("BUY", ONE, "why", (("fast", ONE),))
VALUES: dict[Callable[..., Any], Any] = {
    make_ticket: TICKET,
    make_attempt: ATTEMPT,
    make_signal_note: NOTE,
    make_order_intended: OrderIntended(1, TICKET, ATTEMPT, "session", NOTE),
    make_candle: Candle("BTCUSDT", "1s", 0, ONE, ONE, ONE, ONE, ONE),
    make_signal: Signal("BTCUSDT", SignalType.BUY, "manual", ONE, "why", (("fast", ONE),), ONE, 0),
}


@dataclass(frozen=True, slots=True)
class Usual:
    """A class with each kind of default, and a check."""

    name: str
    size: int = 1
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise InvariantViolated("a size is not below zero")


make_usual = maker(Usual)


@pytest.mark.parametrize("make", VALUES, ids=lambda make: make.__name__)
def test_a_made_value_equals_one_of_its_class_and_is_frozen(make: Callable[..., Any]):
    value = VALUES[make]
    made = make(*(getattr(value, each.name) for each in fields(value)))
    assert type(made) is type(value)
    assert made == value
    assert hash(made) == hash(value)
    assert repr(made) == repr(value)
    name = fields(value)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, None)
    with pytest.raises(FrozenInstanceError):
        delattr(made, name)
    assert replace(made) == copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == value


def test_defaults_and_names_are_those_of_the_class():
    assert make_usual("a") == Usual("a")
    assert make_usual(size=3, name="a", notes=["x"]) == Usual("a", 3, ["x"])
    assert make_usual("a").notes is not make_usual("a").notes
    with pytest.raises(TypeError):
        make_usual(size=3)  # type: ignore[call-arg]  # that it fails is the test


def test_what_the_class_refuses_is_not_made():
    with pytest.raises(InvariantViolated):
        make_usual("a", -1)
    with pytest.raises(InvariantViolated):
        make_ticket("BTCUSDT", OrderSide.BUY, OrderType.LIMIT, ONE, Purpose.ENTRY, "manual", ONE)
    with pytest.raises(InvariantViolated):
        make_candle("BTCUSDT", "1s", 0, ONE, ONE, ONE, -ONE, ONE)
