"""Numbers, moments and documents as they are written for people and programs."""

import contextlib
import io
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import OrderSide
from src.interfaces.cli import texts
from src.interfaces.cli.documents import as_document, json_line
from src.interfaces.cli.tables import gain, print_table
from src.interfaces.cli.units import spelled_duration


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (texts.money(Decimal("1234567.891")), "1,234,567.89"),
        (texts.money(None), "-"),
        (texts.signed(Decimal("12.345")), "+12.34"),
        (texts.signed(Decimal("-0.001")), "0.00"),
        (texts.percent(Decimal("0.01234")), "1.23 %"),
        (texts.price(Decimal("61000.10")), "61,000.1"),
        (texts.price(Decimal("0.00012345678")), "0.00012346"),
        (texts.price(Decimal("0.00001234")), "0.00001234"),
        (texts.price(Decimal(1) / 3), "0.33333333"),
        (texts.price(Decimal("123456789")), "123,456,789"),
        (texts.quantity(Decimal("0.0100")), "0.01"),
        (texts.clock(1_767_571_265_000), "00:01:05"),
        (texts.moment(1_767_571_265_999), "2026-01-05 00:01:05 UTC"),
        (texts.age(None), "-"),
        (texts.age(250), "0.2s"),
        (texts.age(59_999), "59s"),
        (texts.age(7_200_000), "2h"),
        (texts.short_id("20084ca7-f424-4f72"), "20084ca7"),
        (spelled_duration(999), "999ms"),
        (spelled_duration(345_000), "5m 45s"),
        (spelled_duration(3_600_000), "1h"),
        (spelled_duration(187_200_000), "2d 4h"),
    ],
)
def test_what_people_read(written: str, shown: str):
    assert written == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=0, max_value=10**9))
def test_a_price_is_shown_within_one_unit_of_its_last_digit(value: Decimal):
    shown = texts.price(value)

    assert abs(Decimal(shown.replace(",", "")) - value) <= max(Decimal("0.00000005"), value / 10**6)
    assert "e" not in shown.lower()


@dataclass
class Row:
    amount: Decimal
    side: OrderSide
    parts: tuple[Any, ...]


def test_a_document_holds_amounts_as_text_and_nothing_that_json_lacks():
    row = Row(Decimal("1.500"), OrderSide.BUY, (Path("a/b"), None, True, 7, {"x": Decimal("1E+3")}))

    assert as_document(row) == {
        "amount": "1.5",
        "side": "BUY",
        "parts": ["a/b", None, True, 7, {"x": "1000"}],
    }
    assert json_line({"mean": Decimal(1) / 3}) == '{"mean":"0.333333333333333333"}'


@pytest.mark.parametrize("precision", [28, 34])
@given(whole=st.integers(0, 10**22), decimals=st.integers(0, 12))
def test_a_document_holds_amounts_of_any_size_as_they_are(precision: int, whole: int, decimals: int):
    amount = Decimal(whole).scaleb(-decimals)

    with localcontext() as context:
        context.prec = precision
        told = as_document(amount)

    assert Decimal(told) == amount
    assert "E" not in told


def test_a_table_shows_everything_where_nobody_says_how_much_fits(capsys: pytest.CaptureFixture[str]):
    print_table(
        "Trades",
        ("symbol", "net>", "strategy?"),
        [("BTCUSDT", gain(Decimal("-1.5")), "rsi"), ("ETHUSDT", gain(None), "")],
    )

    assert capsys.readouterr().out.splitlines() == [
        "Trades",
        "symbol     net  strategy",
        "BTCUSDT  -1.50  rsi",
        "ETHUSDT      -",
    ]


def test_a_narrow_terminal_keeps_what_matters_and_cuts_the_last_column(capsys: pytest.CaptureFixture[str]):
    columns = ("symbol", "mark>?", "status", "strategy?", "what")

    print_table("T", columns, [("BTCUSDT", "61,000", "FILLED", "sma_cross", "x" * 30)], width=40)

    assert capsys.readouterr().out.splitlines()[1:] == [
        "symbol   status  what",
        f"BTCUSDT  FILLED  {'x' * 22}…",
    ]


@given(st.integers(30, 200), st.lists(st.tuples(*[st.text("abcz019[]", max_size=30)] * 4), max_size=4))
def test_optional_columns_never_push_a_table_over_the_edge(width: int, rows: list[tuple[str, ...]]):
    out = io.StringIO()

    with contextlib.redirect_stdout(out):
        print_table(
            "T", ("one", "two?", "three>?", "four?"), [(row[0][:8], *row[1:]) for row in rows], width=width
        )

    assert all(len(line) <= width for line in out.getvalue().splitlines())
    assert len(out.getvalue().splitlines()) == len(rows) + 2
