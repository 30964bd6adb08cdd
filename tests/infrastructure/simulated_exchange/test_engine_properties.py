"""Whatever is asked of the exchange in whatever market: money is conserved and nobody gets what was not offered."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.units import to_units
from tests.infrastructure.simulated_exchange.exchange_histories import ACCOUNTS, RULES, ExchangeHistories
from tests.support.engine_builders import an_instrument


def lasting(algos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what moves between commits: how far trailing stops have followed (and is found again on the way)."""
    return [algo | {"triggerPrice": ""} if "callbackRate" in algo else algo for algo in algos]


class ExchangeUnderStress(ExchangeHistories):
    """What must hold after each step of any history."""

    @invariant()
    def the_file_is_the_engine_at_its_last_commit(self) -> None:
        if not self.committed:
            return
        store = ExchangeStore(self.folder / "exchange.sqlite", synchronous="OFF")
        again = Engine(store, (an_instrument(),), rules=RULES)
        assert again.memory() == self.committed
        for who in ACCOUNTS:
            assert again.open_orders(who) == self.engine.open_orders(who)
            assert lasting(again.open_algo_orders(who)) == lasting(self.engine.open_algo_orders(who))
        store.close()

    @invariant()
    def money_is_conserved(self) -> None:
        for line in self.engine.audit():
            assert line.holds
            other = line.incomes.get("FUNDING_FEE", 0) + line.incomes.get("INSURANCE_CLEAR", 0)
            earned = line.traded_pnl - line.traded_commission
            assert line.wallet == self.deposits[line.account] + earned + other

    @invariant()
    def every_fill_was_offered(self) -> None:
        self.observer.judge(self.engine)

    @invariant()
    def positions_are_the_sums_of_their_trades_and_profit_what_was_received(self) -> None:
        for number, _, _, positions, _, isolated, is_hedged, _ in self.engine.memory()["accounts"]:
            stated = {side: (quantity, cost) for _, side, quantity, cost, *_ in positions}
            for (who, side), held in self.observer.held.items():
                if who == number:
                    quantity, cost = stated.get(side, (0, 0))
                    assert quantity == held.quantity
                    assert (quantity == 0) is (cost == 0)
                    assert held.realized == held.received + (cost if quantity > 0 else -cost)
            for _, side, quantity, _, _, _, own_wallet in positions:
                assert not quantity or (side != "BOTH") is is_hedged
                assert side == "BOTH" or not quantity or (quantity > 0) is (side == "LONG")
                assert own_wallet == 0 or (quantity and isolated)

    @invariant()
    def open_orders_have_something_left(self) -> None:
        for _, order in self._open_somewhere(Engine.open_orders):
            executed, quantity = to_units(Decimal(order["executedQty"])), to_units(Decimal(order["origQty"]))
            assert 0 <= executed < quantity
            assert executed == self.observer.executed[order["orderId"]]
            assert order["status"] == ("PARTIALLY_FILLED" if executed else "NEW")

    @invariant()
    def what_only_reduces_waits_only_while_there_is_a_position(self) -> None:
        for who, order in self._open_somewhere(Engine.open_orders):
            sides = (order["positionSide"], order["side"])
            if order["reduceOnly"] or sides in (("LONG", "SELL"), ("SHORT", "BUY")):
                assert self.observer.held[who, order["positionSide"]].quantity
        for who, algo in self._open_somewhere(Engine.open_algo_orders):
            if algo["closePosition"]:
                assert self.observer.held[who, algo["positionSide"]].quantity


QUICK = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestExchangeUnderStress = ExchangeUnderStress.TestCase
TestExchangeUnderStress.settings = QUICK


@pytest.mark.slow
def test_the_exchange_under_long_stress():
    run_state_machine_as_test(
        ExchangeUnderStress, settings=settings(QUICK, max_examples=1500, stateful_step_count=60)
    )
