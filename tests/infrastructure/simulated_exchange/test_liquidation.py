"""Margin calls, liquidations and the exchange's other hands: durable, told in order, and no money from nowhere."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument


def told(engine: Engine) -> list[dict[str, Any]]:
    return [json.loads(event.raw) for event in engine.take_events()]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """ORDER_TRADE_UPDATE by what happened, ACCOUNT_UPDATE by its reason."""
    names = []
    for event in events:
        detail = event.get("o", {}).get("x") or event.get("a", {}).get("m") or ""
        names.append(f"{event['e']} {detail}".strip())
    return names


def quote(engine: Engine, bid: str, ask: str, quantity: str = "50") -> None:
    """A quote, and the next second, in which the exchange looks at margins."""
    engine.on_frame(Frames(start_ms=engine.now_ms).ticker(bid, ask, quantity, quantity))
    engine.advance_time((engine.now_ms // 1000 + 1) * 1000)


def a_long(
    wallet: str = "1000", path: Path | str = ":memory:", isolated: bool = False, quantity: str = "0.1"
) -> Engine:
    engine = an_engine(path, wallet=wallet)
    if isolated:
        engine.set_margin_type(ACCOUNT, BTC, "ISOLATED")
    quote(engine, "75999.90", "76000.00")
    engine.new_order(ACCOUNT, a_request(engine, quantity=quantity))
    engine.take_events()
    return engine


def wallet_of(engine: Engine) -> Decimal:
    return Decimal(engine.balance(ACCOUNT)[0]["balance"])


def incomes(engine: Engine, kind: str) -> list[Decimal]:
    return [Decimal(row["income"]) for row in engine.income(ACCOUNT) if row["incomeType"] == kind]


def test_a_margin_call_comes_once_until_the_margin_has_recovered():
    engine = a_long()

    quote(engine, "66320.00", "66320.10")
    first = told(engine)
    quote(engine, "66321.00", "66321.10")
    again = told(engine)
    quote(engine, "70000.00", "70000.10")
    quote(engine, "66320.00", "66320.10")
    once_more = told(engine)

    assert kinds(first) == ["MARGIN_CALL"]
    assert first[0]["p"][0]["mt"] == "CROSSED"
    assert Decimal(first[0]["cw"]) == wallet_of(engine)
    assert again == []
    assert kinds(once_more) == ["MARGIN_CALL"]


def test_a_liquidation_ends_orders_first_then_the_position_and_takes_its_fee():
    engine = a_long()
    engine.new_order(ACCOUNT, a_request(engine, price="60000.00", quantity="0.001", client_order_id="mine"))
    engine.take_events()

    quote(engine, "66290.00", "66290.10")

    events = told(engine)
    assert kinds(events) == [
        "ORDER_TRADE_UPDATE EXPIRED",
        "ORDER_TRADE_UPDATE NEW",
        "ORDER_TRADE_UPDATE CALCULATED",
        "ACCOUNT_UPDATE ORDER",
        "ACCOUNT_UPDATE INSURANCE_CLEAR",
    ]
    expired, _, closed = (event["o"] for event in events[:3])
    assert (expired["c"], expired["er"]) == ("mine", "5")
    assert closed["c"].startswith("autoclose-")
    assert (closed["o"], closed["f"], closed["S"], closed["X"], closed["L"]) == (
        "LIMIT",
        "IOC",
        "SELL",
        "FILLED",
        "66290",
    )
    assert engine.position_risk(ACCOUNT) == []
    # What was left could not pay 1.25 % of 6629, and nothing more than that was taken.
    assert wallet_of(engine) == 0
    assert Decimal(0) < -incomes(engine, "INSURANCE_CLEAR")[0] < Decimal("82.5")
    assert all(line.holds for line in engine.audit())


def test_what_a_wallet_lacks_after_a_jump_the_insurance_fund_pays():
    engine = a_long()

    quote(engine, "60000.00", "60000.10")

    assert wallet_of(engine) == 0
    assert incomes(engine, "INSURANCE_CLEAR")[0] > 500
    assert all(line.holds for line in engine.audit())


def test_what_the_book_does_not_take_the_insurance_fund_takes_at_the_limit():
    engine = a_long()

    quote(engine, "66000.00", "66000.10", quantity="0.04")

    rows = engine.trade_records(ACCOUNT, BTC)[1:]
    assert [(row.quantity, row.reference.kind) for row in rows] == [
        (4_000_000, "book"),
        (6_000_000, "insurance"),
    ]
    limit = Decimal("66000.05") * Decimal("0.95")
    assert limit <= Decimal(rows[1].price).scaleb(-8) < limit + Decimal("0.10")
    assert engine.position_risk(ACCOUNT) == []


def test_only_as_much_is_liquidated_as_it_takes():
    eth = "ETHUSDT"
    engine = an_engine(":memory:", *_two_instruments(), wallet="3000000")
    engine.on_frame(Frames(start_ms=engine.now_ms).ticker("75999.90", "76000.00", "1000", "1000"))
    engine.on_frame(Frames(eth, engine.now_ms).ticker("3999.99", "4000.00", "50", "50"))
    for _ in range(5):
        engine.new_order(ACCOUNT, a_request(engine, quantity="120"))
    engine.new_order(ACCOUNT, a_request(engine, symbol=eth, quantity="0.05"))

    quote(engine, "72000.00", "72000.10", quantity="1000")

    assert [row["symbol"] for row in engine.position_risk(ACCOUNT)] == [eth]
    assert incomes(engine, "INSURANCE_CLEAR") == [-600 * 72_000 * Decimal("0.0125")]
    assert wallet_of(engine) > 0


def _two_instruments() -> tuple:
    return an_instrument(), an_instrument("ETHUSDT", tick_size=Decimal("0.01"), price_min=Decimal("18.67"))


def test_a_halted_symbol_is_liquidated_when_it_trades_again():
    engine = a_long()
    engine.set_symbol_status(BTC, "TRADING_HALT")
    quote(engine, "66000.00", "66000.10")
    before = engine.position_risk(ACCOUNT)
    engine.set_symbol_status(BTC, "TRADING")
    quote(engine, "66000.00", "66000.10")

    assert len(before) == 1
    assert engine.position_risk(ACCOUNT) == []


def test_an_isolated_position_ends_alone_and_leaves_the_rest_of_the_wallet():
    engine = a_long(wallet="10000", isolated=True)
    before = wallet_of(engine)

    quote(engine, "72400.00", "72400.10")

    assert engine.position_risk(ACCOUNT) == []
    assert before - wallet_of(engine) == 380
    assert told(engine)[0]["o"]["c"].startswith("autoclose-")


def test_a_gap_beyond_an_isolated_wallet_is_the_insurance_funds():
    engine = a_long(wallet="10000", isolated=True)
    before = wallet_of(engine)

    quote(engine, "60000.00", "60000.10")

    assert before - wallet_of(engine) == 380
    assert incomes(engine, "INSURANCE_CLEAR")[0] > 1000


def test_a_liquidation_survives_the_process(tmp_path: Path):
    path = tmp_path / "exchange.sqlite"
    engine = a_long(path=path)
    quote(engine, "66320.00", "66320.10")
    warned = an_engine(path).memory()["accounts"][0][7]
    quote(engine, "66000.00", "66000.10")

    again = an_engine(path)
    assert warned == ["USDT"]
    assert again.memory() == engine.memory()
    assert again.balance(ACCOUNT)[0]["balance"] == "0"
    assert again.position_risk(ACCOUNT) == []


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize(
    ("boundary", "survives"), [("exchange.before_commit", False), ("exchange.after_commit", True)]
)
def test_a_kill_around_a_liquidation_loses_or_keeps_the_whole_of_it(
    tmp_path: Path, boundary: str, survives: bool
):
    path = tmp_path / "exchange.sqlite"
    a_long(path=path)
    armed: list[str] = []

    def kill(name: str) -> None:
        if name in armed:
            raise Killed(name)

    engine = an_engine(path, failpoint=kill)
    armed.append(boundary)
    with pytest.raises(Killed):
        quote(engine, "66000.00", "66000.10")

    engine._store.close()
    again = an_engine(path)
    assert engine.take_events() == []
    assert (again.position_risk(ACCOUNT) == []) is survives
    assert all(line.holds for line in again.audit())
    quote(again, "66000.00", "66000.10")
    assert again.position_risk(ACCOUNT) == []
    assert sum(row.reference.kind == "book" for row in again.trade_records(ACCOUNT, BTC)) == 2


def test_a_forced_liquidation_needs_no_reason_but_a_position():
    engine = a_long(wallet="100000")

    engine.force_liquidation(ACCOUNT, BTC)

    assert told(engine)[0]["o"]["c"].startswith("autoclose-")
    assert engine.position_risk(ACCOUNT) == []
    with pytest.raises(ExchangeError, match="-4054"):
        engine.force_liquidation(ACCOUNT, BTC)


def test_a_deleveraged_position_is_closed_at_the_mark_price():
    engine = a_long(wallet="100000")

    engine.force_adl(ACCOUNT, BTC)

    events = told(engine)
    assert kinds(events) == [
        "ORDER_TRADE_UPDATE NEW",
        "ORDER_TRADE_UPDATE CALCULATED",
        "ACCOUNT_UPDATE ORDER",
    ]
    assert (events[1]["o"]["c"], events[1]["o"]["L"]) == ("adl_autoclose", "75999.95")
    assert engine.trade_records(ACCOUNT, BTC)[-1].reference.kind == "adl_autoclose"
    assert engine.position_risk(ACCOUNT) == []


def test_a_settlement_ends_the_symbol_for_everybody():
    engine = a_long(wallet="100000")
    engine.create_account(2, "other")
    engine.deposit(2, "USDT", Decimal(50_000))
    engine.new_order(2, a_request(engine, side="SELL", quantity="0.2"))
    engine.new_order(2, a_request(engine, price="70000.00", quantity="0.1"))
    stop = a_request(engine, side="SELL", trigger_price="70000", reduce_only=True, client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, stop)

    engine.force_settlement(BTC, Decimal("75000"))

    assert engine.open_orders(2) == engine.open_algo_orders(ACCOUNT) == []
    for number in (ACCOUNT, 2):
        assert engine.position_risk(number) == []
        assert engine.user_trades(number, BTC)[-1]["price"] == "75000"
    assert engine.query_algo_order(ACCOUNT, client_algo_id="s-1")["algoStatus"] == "EXPIRED"
    with pytest.raises(ExchangeError, match="-4141"):
        engine.new_order(ACCOUNT, a_request(engine))


def test_funding_can_be_paid_at_any_time_and_rate():
    engine = a_long(wallet="100000", isolated=True)

    engine.force_funding(BTC, Decimal("0.01"))

    (event,) = told(engine)
    assert event["a"]["m"] == "FUNDING_FEE"
    assert event["a"]["B"][0]["bc"] == "-75.99995"
    assert event["a"]["P"][0]["iw"] == "304.00005"
    assert incomes(engine, "FUNDING_FEE") == [Decimal("-75.99995")]


def test_the_owner_may_trade_by_hand():
    engine = a_long(wallet="100000")

    answer = engine.trade_by_owner(ACCOUNT, BTC, "SELL", Decimal("0.04"), reduce_only=True)

    assert answer["clientOrderId"].startswith("web_")
    assert engine.position_risk(ACCOUNT)[0]["positionAmt"] == "0.06"
