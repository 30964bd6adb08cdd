import json
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger import events as e
from src.domain.ledger.evolve import EVENT_TYPES
from src.domain.market.sides import OrderSide
from src.domain.money import canonical
from src.domain.orders.parents import ParentKind, ParentTicket
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType
from src.domain.sessions.trading_states import SymbolState
from src.infrastructure.persistence.codec import KINDS, LATER_FIELDS, decode, encode, key_of
from tests.support.ledger_builders import a_fill, a_parent_ticket, a_ticket, an_intent

TEXTS = st.text(st.characters())
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
PRICES = NUMBERS.map(abs).filter(bool)
WHOLE = st.integers(-(2**62), 2**62)


def tickets() -> st.SearchStrategy[OrderTicket]:
    def make(kind: OrderType, price: Decimal, reference: Decimal, reason: str) -> OrderTicket:
        return a_ticket(
            order_type=kind,
            limit_price=price if kind.has_limit else None,
            stop_price=price if kind.has_trigger else None,
            callback_pct=Decimal("0.01") if kind is OrderType.TRAILING_STOP_MARKET else None,
            reference_price=reference,
            reason=reason,
        )

    return st.builds(make, st.sampled_from(OrderType), PRICES, PRICES, TEXTS)


def parent_tickets() -> st.SearchStrategy[ParentTicket]:
    def make(quantity: Decimal, weights: list[Decimal], reason: str) -> ParentTicket:
        return a_parent_ticket(
            kind=ParentKind.VWAP,
            quantity=quantity,
            slices=len(weights),
            weights=tuple(weights),
            reason=reason,
        )

    weights = st.lists(st.decimals("0.1", "9", places=3), min_size=1, max_size=3)
    return st.builds(make, PRICES, weights, TEXTS)


def some(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type that an event may have."""
    scalars = {
        str: TEXTS,
        int: WHOLE,
        bool: st.booleans(),
        Decimal: NUMBERS,
        OrderTicket: tickets(),
        ParentTicket: parent_tickets(),
    }
    if hint in scalars:
        return scalars[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return st.none() | some(arguments[0])
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(some(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(some, arguments))
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: some(hints[field.name]) for field in fields(hint)})
    return st.sampled_from(hint)


def plain(value: Any) -> Any:
    """What the standard library's JSON writer needs to spell a value as we do."""
    if is_dataclass(value):
        later = LATER_FIELDS.get(type(value), frozenset())
        return {
            field.name: plain(getattr(value, field.name))
            for field in fields(value)
            if field.name not in later or getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return canonical(value)
    return value.value if isinstance(value, Enum) else value


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.__name__)
def test_every_event_comes_back_as_it_was(cls: type):
    @given(some(cls))
    def check(event: e.Event) -> None:
        payload = encode(event)

        assert decode(KINDS[cls], payload) == event

    check()


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.__name__)
def test_the_spelling_is_that_of_sorted_json_without_spaces(cls: type):
    @given(some(cls))
    def check(event: e.Event) -> None:
        payload = encode(event)

        expected = json.dumps(plain(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert payload == expected.encode("utf-8", "backslashreplace")

    check()


def test_the_spelling_of_an_intent_is_fixed():
    payload = encode(an_intent(1, a_ticket(quantity=Decimal("0.10"), reference_price=Decimal("6E+4"))))

    assert payload.decode() == (
        '{"attempt":{"client_order_id":"abc-0001-0000001-1-d2wk","recv_window_ms":5000,'
        '"timestamp_ms":1754000000000},"intent":1,"session_id":"session-1","signal":{"confidence":"0.8",'
        '"numbers":[["fast","60001.5"]],"reason":"fast above slow","signal_type":"BUY"},"ticket":'
        '{"limit_price":null,"order_type":"MARKET","position_side":"BOTH","purpose":"ENTRY","quantity":"0.1",'
        '"reason":"","reduce_only":false,"reference_price":"60000","side":"BUY","stop_loss_price":null,'
        '"stop_price":null,"strategy_id":"sma_cross","symbol":"BTCUSDT","take_profit_price":null,'
        '"time_in_force":null,"working_type":"CONTRACT_PRICE"}}'
    )


def test_a_lone_surrogate_in_an_intent_is_escaped_and_comes_back():
    intent = an_intent(1, a_ticket(reason="a \ud83d alone"))

    payload = encode(intent)

    assert b'"reason":"a \\ud83d alone"' in payload
    assert decode("order_intended", payload) == intent


def test_what_came_later_is_spelled_only_where_it_is_used():
    usual = encode(an_intent(1, a_ticket()))
    child = encode(an_intent(1, a_ticket(parent_id="p")))

    assert b"parent_id" not in usual
    assert child == usual.replace(b'"position_side"', b'"parent_id":"p","position_side"')


def test_what_a_position_costs_is_spelled_only_with_a_trade_that_came_out_of_its_turn():
    fill = a_fill(an_intent(1, a_ticket()))
    late = replace(fill, position_cost=Decimal("6000.10"))

    assert b"position_cost" not in encode(fill)
    assert encode(late) == encode(fill).replace(
        b'"position_side"', b'"position_cost":"6000.1","position_side"'
    )
    assert decode("fill_booked", encode(late)) == late


def test_a_trade_in_the_settle_asset_is_spelled_as_it_was_before_it_could_be_in_another():
    fill = a_fill(an_intent(1, a_ticket()))
    other = encode(replace(fill, margin_asset="USDC"))

    assert b"margin_asset" not in encode(fill)
    assert other == encode(fill).replace(b'"position_side"', b'"margin_asset":"USDC","position_side"')
    assert decode("fill_booked", encode(fill)) == fill


def test_a_parent_that_a_person_wants_is_spelled_as_it_was_before_there_were_trims():
    usual = encode(e.ParentOpened("p", 1, a_parent_ticket(), "session-1"))
    kind = {"kind": ParentKind.TRIM, "reduce_only": True, "keeps": Decimal("0.5")}
    trim = e.ParentOpened("p", 1, a_parent_ticket(**kind), "session-1")

    assert b"keeps" not in usual
    assert b'"keeps":"0.5"' in encode(trim)
    assert decode("parent_opened", encode(trim)) == trim


def test_equal_amounts_have_one_spelling():
    spellings = {encode(e.DayStarted(1, Decimal(text))) for text in ("100", "100.00", "1E+2", "1.0E2")}

    assert spellings == {b'{"day":1,"equity":"100"}'}


def test_records_are_found_by_what_they_are_about():
    intent = an_intent()

    assert key_of(intent) == intent.attempt.client_order_id
    assert key_of(a_fill(intent)) == intent.attempt.client_order_id
    assert key_of(a_fill(intent, client_order_id="")) == "BTCUSDT"
    assert key_of(e.SymbolMoved("ETHUSDT", SymbolState.CLOSED, "")) == "ETHUSDT"
    assert key_of(e.StreamOpened(3)) == "3"
    assert key_of(e.IncomeBooked(17, "TRANSFER", "USDT", Decimal(1), "", 0)) == "17"


def test_a_kind_is_the_class_name_in_snake_case():
    assert KINDS[e.OrderIntended] == "order_intended"
    assert len(set(KINDS.values())) == len(EVENT_TYPES)


def test_a_field_that_has_no_spelling_is_refused():
    @dataclass(frozen=True)
    class Odd:
        ratio: float

    with pytest.raises(TypeError, match="no spelling"):
        encode(Odd(0.5))


def test_a_payload_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="missing required field"):
        decode("order_intended", encode(e.EpochStarted(1)))


def test_a_side_reads_back_as_the_enum():
    fill = decode("fill_booked", encode(a_fill(an_intent())))

    assert isinstance(fill, e.FillBooked)
    assert fill.side is OrderSide.BUY
    assert asdict(fill) == asdict(a_fill(an_intent()))
