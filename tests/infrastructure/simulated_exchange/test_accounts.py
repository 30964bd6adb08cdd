"""Accounts trade with each other, not with themselves; each has its own position mode and margin types."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine

OTHER = 2


@pytest.fixture
def engine() -> Engine:
    return two_accounts()


def two_accounts(path: Path | str = ":memory:") -> Engine:
    engine = an_engine(path)
    engine.create_account(OTHER, "other")
    engine.deposit(OTHER, "USDT", Decimal(100_000))
    engine.on_frame(Frames().ticker("75990.00", "76010.00", "2", "2"))
    engine.take_events()
    return engine


def order(engine: Engine, account: int = ACCOUNT, **changes: Any) -> dict[str, Any]:
    return engine.new_order(account, a_request(engine, **changes))


def refused(call: Any, *arguments: Any) -> int:
    with pytest.raises(ExchangeError) as no:
        call(*arguments)
    return no.value.code


def trades(engine: Engine, account: int) -> list[tuple[str, str, str, bool]]:
    return [(row["side"], row["price"], row["qty"], row["maker"]) for row in engine.user_trades(account, BTC)]


# --- with each other ------------------------------------------------------------------------------------------


def test_a_resting_order_inside_the_spread_is_met_before_the_market(engine: Engine):
    order(engine, OTHER, side="SELL", price="76000.00", quantity="0.5")

    answer = order(engine, price="76010.00", quantity="0.8", time_in_force="IOC")

    assert answer["executedQty"] == "0.8"
    assert trades(engine, ACCOUNT) == [("BUY", "76000", "0.5", False), ("BUY", "76010", "0.3", False)]
    assert trades(engine, OTHER) == [("SELL", "76000", "0.5", True)]
    kinds = [row.reference.kind for row in engine.trade_records(ACCOUNT, BTC)]
    assert kinds == ["peer", "book"]
    assert all(line.holds for line in engine.audit())


def test_at_one_price_the_market_goes_before_our_orders_and_those_follow_in_time(engine: Engine):
    first = order(engine, OTHER, side="SELL", price="76010.00", quantity="0.5")
    second = order(engine, OTHER, side="SELL", price="76010.00", quantity="0.5")

    order(engine, price="76010.00", quantity="2.7")

    left = [engine.query_order(OTHER, BTC, order_id=one["orderId"])["executedQty"] for one in (first, second)]
    assert left == ["0.5", "0.2"]


def test_what_two_exits_of_one_position_give_together_is_no_more_than_the_position(engine: Engine):
    order(engine, OTHER, type="MARKET", side="BUY", quantity="1", price=None, time_in_force=None)
    for quantity in ("0.5", "1"):
        order(engine, OTHER, side="SELL", price="76000.00", quantity=quantity, reduce_only=True)

    code = refused(
        engine.new_order, ACCOUNT, a_request(engine, price="76000.00", quantity="1.5", time_in_force="FOK")
    )
    whole = order(engine, price="76000.00", quantity="1", time_in_force="FOK")

    assert (code, whole["status"]) == (-5021, "FILLED")


def test_both_sides_of_a_trade_are_told(engine: Engine):
    order(engine, OTHER, side="SELL", price="76000.00", quantity="0.5")
    engine.take_events()
    order(engine, price="76000.00", quantity="0.5")

    told = [(event.account, json.loads(event.raw).get("o", {}).get("X")) for event in engine.take_events()]
    assert told == [
        (ACCOUNT, "NEW"),
        (OTHER, "FILLED"),
        (ACCOUNT, "FILLED"),
        (ACCOUNT, None),
        (OTHER, None),
    ]


def test_a_post_only_order_sees_the_other_account(engine: Engine):
    order(engine, OTHER, side="SELL", price="76000.00", quantity="0.5")

    request = a_request(engine, price="76000.00", time_in_force="GTX")
    assert refused(engine.new_order, ACCOUNT, request) == -5022


def test_accounts_stay_apart(engine: Engine):
    order(engine, OTHER, price="75000.00", client_order_id="same")
    order(engine, price="75000.00", client_order_id="same")

    assert refused(engine.cancel_order, ACCOUNT, BTC, engine.open_orders(OTHER)[0]["orderId"]) == -2011
    engine.cancel_order(ACCOUNT, BTC, client_order_id="same")
    assert len(engine.open_orders(OTHER)) == 1


# --- not with itself ------------------------------------------------------------------------------------------


def meet_itself(engine: Engine, mode: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A resting sell and a buy through it, of one account; how both stand after it."""
    resting = order(engine, side="SELL", price="76000.00", quantity="0.5")
    values = {"price": "76000.00", "quantity": "0.8", "self_trade_prevention": mode} | changes
    taking = order(engine, **values)
    first, second = (engine.query_order(ACCOUNT, BTC, order_id=one["orderId"]) for one in (resting, taking))
    return first, second


def test_by_default_the_resting_order_expires(engine: Engine):
    resting, taking = meet_itself(engine, "EXPIRE_MAKER")

    assert (resting["status"], taking["status"]) == ("EXPIRED_IN_MATCH", "NEW")
    assert engine.user_trades(ACCOUNT, BTC) == []
    events = [
        json.loads(event.raw)["o"] for event in engine.take_events() if event.kind == "ORDER_TRADE_UPDATE"
    ]
    assert [(event["x"], event["X"], event["er"]) for event in events if event["er"] != "0"] == [
        ("EXPIRED", "EXPIRED_IN_MATCH", "1")
    ]


def test_the_taker_may_give_way(engine: Engine):
    resting, taking = meet_itself(engine, "EXPIRE_TAKER")

    assert (resting["status"], taking["status"]) == ("NEW", "EXPIRED_IN_MATCH")


def test_or_both(engine: Engine):
    resting, taking = meet_itself(engine, "EXPIRE_BOTH")

    assert (resting["status"], taking["status"]) == ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH")


def test_without_prevention_it_trades_with_itself_and_pays_for_it(engine: Engine):
    before = Decimal(engine.balance(ACCOUNT)[0]["balance"])
    resting, taking = meet_itself(engine, "NONE")

    assert (resting["status"], taking["executedQty"]) == ("FILLED", "0.5")
    assert engine.position_risk(ACCOUNT)[0]["positionAmt"] == "0"
    paid = before - Decimal(engine.balance(ACCOUNT)[0]["balance"])
    assert paid == 38_000 * (Decimal("0.0002") + Decimal("0.0005"))
    sold, bought = engine.user_trades(ACCOUNT, BTC)
    assert sold["id"] == bought["id"], "it is one trade"
    assert [(row["orderId"], row["side"], row["maker"]) for row in (sold, bought)] == [
        (resting["orderId"], "SELL", True),
        (taking["orderId"], "BUY", False),
    ]
    told = [json.loads(each.raw)["o"] for each in engine.take_events() if each.kind == "ORDER_TRADE_UPDATE"]
    assert [each["t"] for each in told if each["x"] == "TRADE"] == [sold["id"], sold["id"]]


def test_what_stands_before_the_own_order_is_still_taken(engine: Engine):
    resting, taking = meet_itself(engine, "EXPIRE_TAKER", price="76010.00", quantity="0.8")
    assert taking["executedQty"] == "0"

    order(engine, OTHER, side="SELL", price="75999.00", quantity="0.3")
    more = order(engine, price="76000.00", quantity="0.8", self_trade_prevention="EXPIRE_TAKER")

    assert (more["status"], more["executedQty"]) == ("EXPIRED_IN_MATCH", "0.3")
    assert resting["status"] == "NEW"


def test_a_modified_order_is_not_prevented_any_more(engine: Engine):
    bid = order(engine, price="75995.00", quantity="0.5")
    order(engine, side="SELL", price="76000.00", quantity="0.5")

    engine.modify_order(
        ACCOUNT, BTC, Decimal("0.5"), Decimal("76000"), engine.now_ms, order_id=bid["orderId"]
    )

    assert len(engine.user_trades(ACCOUNT, BTC)) == 2


# --- settings -------------------------------------------------------------------------------------------------


def test_the_position_mode_changes_only_while_nothing_is_open(engine: Engine):
    assert refused(engine.set_hedge_mode, ACCOUNT, False) == -4059
    order(engine, price="75000.00", client_order_id="c-1")
    assert refused(engine.set_hedge_mode, ACCOUNT, True) == -4067
    engine.cancel_order(ACCOUNT, BTC, client_order_id="c-1")
    order(engine)
    assert refused(engine.set_hedge_mode, ACCOUNT, True) == -4068
    order(engine, side="SELL", reduce_only=True)

    engine.set_hedge_mode(ACCOUNT, True)

    assert (engine.hedge_mode(ACCOUNT), engine.hedge_mode(OTHER)) == (True, False)


def test_hedge_mode_needs_a_side_and_no_flag(engine: Engine):
    engine.set_hedge_mode(ACCOUNT, True)

    assert refused(engine.new_order, ACCOUNT, a_request(engine)) == -4061
    assert (
        refused(engine.new_order, ACCOUNT, a_request(engine, position_side="LONG", reduce_only=True)) == -1106
    )
    assert refused(engine.new_order, ACCOUNT, a_request(engine, position_side="SHORT")) == -2022


def test_a_closing_order_of_hedge_mode_ends_with_the_position(engine: Engine):
    engine.set_hedge_mode(ACCOUNT, True)
    order(engine, position_side="LONG", quantity="0.5")
    order(engine, position_side="SHORT", side="SELL", quantity="0.2")
    close = order(engine, position_side="LONG", side="SELL", price="77000.00", quantity="0.5")

    order(engine, position_side="LONG", side="SELL", quantity="0.9")

    rows = {row["positionSide"]: row["positionAmt"] for row in engine.position_risk(ACCOUNT)}
    assert rows == {"SHORT": "-0.2"}
    assert engine.query_order(ACCOUNT, BTC, order_id=close["orderId"])["status"] == "EXPIRED"
    assert engine.user_trades(ACCOUNT, BTC)[0]["positionSide"] == "LONG"
    assert all(line.holds for line in engine.audit())


def test_both_sides_of_hedge_mode_bind_their_margin(engine: Engine):
    engine.set_hedge_mode(ACCOUNT, True)
    order(engine, position_side="LONG", quantity="0.5")
    order(engine, position_side="SHORT", side="SELL", quantity="0.5")

    rows = engine.position_risk(ACCOUNT)
    assert [Decimal(row["positionInitialMargin"]) for row in rows] == [Decimal("1900")] * 2
    balance = engine.balance(ACCOUNT)[0]
    has = Decimal(balance["crossWalletBalance"]) + Decimal(balance["crossUnPnl"])
    assert Decimal(balance["availableBalance"]) == has - 3800
    order(engine, position_side="LONG", price="75000.00", quantity="0.1")
    order(engine, position_side="SHORT", side="SELL", price="77000.00", quantity="0.1")
    assert Decimal(engine.balance(ACCOUNT)[0]["availableBalance"]) == has - 3800 - 375 - 385


def test_the_margin_type_changes_only_while_the_symbol_is_idle(engine: Engine):
    assert refused(engine.set_margin_type, ACCOUNT, BTC, "CROSSED") == -4046
    assert refused(engine.set_margin_type, ACCOUNT, BTC, "BOTH") == -1130
    stop = a_request(engine, side="SELL", trigger_price="70000", client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, stop)
    assert refused(engine.set_margin_type, ACCOUNT, BTC, "ISOLATED") == -4047
    engine.cancel_algo_order(ACCOUNT, client_algo_id="s-1")
    order(engine)
    assert refused(engine.set_margin_type, ACCOUNT, BTC, "ISOLATED") == -4048


def test_another_margin_type_is_told(engine: Engine):
    engine.set_margin_type(ACCOUNT, BTC, "ISOLATED")

    told = json.loads(engine.take_events()[0].raw)["a"]
    assert (told["m"], told["P"][0]["mt"], told["P"][0]["pa"]) == ("MARGIN_TYPE_CHANGE", "isolated", "0")


def isolated(engine: Engine, quantity: str = "0.1") -> None:
    engine.set_margin_type(ACCOUNT, BTC, "ISOLATED")
    order(engine, price="76010.00", quantity=quantity)


def test_an_isolated_wallet_is_a_part_of_the_wallet_until_the_position_is_closed(engine: Engine):
    isolated(engine)
    opened = engine.balance(ACCOUNT)[0]
    own = Decimal(engine.position_risk(ACCOUNT)[0]["isolatedWallet"])
    order(engine, side="SELL", quantity="0.025", reduce_only=True)
    less = Decimal(engine.position_risk(ACCOUNT)[0]["isolatedWallet"])
    order(engine, side="SELL", quantity="0.075", reduce_only=True)

    assert own == Decimal("7601") / 20
    assert Decimal(opened["balance"]) - Decimal(opened["crossWalletBalance"]) == own
    assert less == own * 3 / 4
    closed = engine.balance(ACCOUNT)[0]
    assert closed["balance"] == closed["crossWalletBalance"] == closed["availableBalance"]
    assert all(line.holds for line in engine.audit())


def test_an_isolated_position_that_is_turned_has_the_margin_of_what_it_is_then(engine: Engine):
    isolated(engine)

    order(engine, side="SELL", price="75990.00", quantity="0.15")

    assert Decimal(engine.position_risk(ACCOUNT)[0]["isolatedWallet"]) == Decimal("0.05") * 75_990 / 20
    assert all(line.holds for line in engine.audit())


def test_margin_goes_to_an_isolated_position_and_back_as_far_as_it_is_not_needed(engine: Engine):
    isolated(engine)
    engine.take_events()
    before = Decimal(engine.position_risk(ACCOUNT)[0]["liquidationPrice"])

    answer = engine.change_position_margin(ACCOUNT, BTC, Decimal(100), 1)

    row = engine.position_risk(ACCOUNT)[0]
    assert answer == {"code": 200, "msg": "Successfully modify position margin.", "amount": 100.0, "type": 1}
    assert Decimal(row["isolatedWallet"]) == Decimal("480.05")
    assert Decimal(row["liquidationPrice"]) < before
    assert json.loads(engine.take_events()[0].raw)["a"]["m"] == "MARGIN_TRANSFER"
    assert refused(engine.change_position_margin, ACCOUNT, BTC, Decimal(100), 2) == -4051
    engine.change_position_margin(ACCOUNT, BTC, Decimal(99), 2)
    assert refused(engine.change_position_margin, ACCOUNT, BTC, Decimal(1_000_000), 1) == -4050
    assert refused(engine.change_position_margin, ACCOUNT, BTC, Decimal(0), 1) == -4055
    assert refused(engine.change_position_margin, OTHER, BTC, Decimal(1), 1) == -4049


def test_the_leverage_of_an_isolated_position_only_rises(engine: Engine):
    isolated(engine)

    assert refused(engine.set_leverage, ACCOUNT, BTC, 10) == -4161
    assert engine.set_leverage(ACCOUNT, BTC, 25)["maxNotionalValue"] == "70000000"


def test_leverage_is_refused_where_the_position_would_be_too_large_for_it(engine: Engine):
    order(engine, price="76010.00", quantity="2")
    order(engine, price="70000.00", quantity="3")

    assert refused(engine.set_leverage, ACCOUNT, BTC, 125) == -2027
    assert refused(engine.set_leverage, ACCOUNT, BTC, 126) == -4028
    assert refused(engine.set_leverage, ACCOUNT, BTC, 1) == -2028


def test_settings_survive_the_process(tmp_path: Path):
    engine = two_accounts(tmp_path / "exchange.sqlite")
    engine.set_hedge_mode(ACCOUNT, True)
    engine.set_margin_type(ACCOUNT, BTC, "ISOLATED")
    order(engine, position_side="LONG", quantity="0.1")

    again = an_engine(tmp_path / "exchange.sqlite")

    assert again.memory() == engine.memory()
    assert again.hedge_mode(ACCOUNT)
    assert again.margin_type(ACCOUNT, BTC) == "ISOLATED"
    assert again.position_risk(ACCOUNT)[0]["isolatedWallet"] != "0"
