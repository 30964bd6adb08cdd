"""A point of a bar is its quote and its print: to the exchange it is all one whether they come together or apart.

Of points it leaves out looks at margins that would find nothing; of quotes and prints it leaves out none.
"""

from collections.abc import Callable
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from src.infrastructure.market_data.frames import BarPoint, MarketEvent, MarketFrame
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from tests.support.engine_builders import ACCOUNT, BTC, START_MS, a_request, an_engine, an_instrument

ETH = "ETHUSDT"
RULES = ExchangeRules(leverage=100, funding_interval_ms=7_300, funding_rate=Decimal(2))
PRICES = {BTC: 76_000, ETH: 3_000}
Deed = Callable[[Engine], object]


def an_exchange(rules: ExchangeRules, failpoint: Callable[[str], None] = lambda name: None) -> Engine:
    instruments = (
        an_instrument(leverage_max=100),
        an_instrument(
            ETH,
            tick_size=Decimal("0.01"),
            price_min=Decimal("18.67"),
            leverage_max=100,
            market_quantity_max=9_000,
        ),
    )
    return an_engine(":memory:", *instruments, rules=rules, wallet="15000", failpoint=failpoint)


def place(side: str, symbol: str, thousandths: int) -> Deed:
    quantity = Decimal(thousandths) / (1_000 if symbol == BTC else 40)
    return lambda engine: engine.new_order(
        ACCOUNT, a_request(engine, symbol=symbol, side=side, quantity=quantity.quantize(Decimal("0.001")))
    )


def rest(side: str, percent: int) -> Deed:
    price = f"{PRICES[BTC] * percent // 100}.00"
    return lambda engine: engine.new_order(ACCOUNT, a_request(engine, side=side, price=price))


def trail(side: str) -> Deed:
    return lambda engine: engine.new_algo_order(
        ACCOUNT,
        a_request(engine, side=side, type="TRAILING_STOP_MARKET", callback_rate=Decimal(1), reduce_only=True),
    )


def pay(amount: int) -> Deed:
    return lambda engine: engine.deposit(ACCOUNT, "USDT", Decimal(amount))


def count_down(ms: int) -> Deed:
    return lambda engine: engine.countdown_cancel_all(ACCOUNT, BTC, ms)


def pass_time(ms: int) -> Deed:
    def wait(engine: Engine) -> None:
        # How far a trailing stop has followed may be stored with the print already, or only with the next look.
        engine.advance_time(engine.now_ms + ms)

    return wait


SIDES = st.sampled_from(["BUY", "SELL"])
DEEDS = st.one_of(
    st.builds(place, SIDES, st.sampled_from([BTC, ETH]), st.integers(1, 60)),
    st.builds(rest, SIDES, st.integers(80, 120)),
    st.builds(trail, SIDES),
    st.builds(pay, st.sampled_from([-14_500, -9_000, -1_000, 4_000])),
    st.builds(count_down, st.integers(500, 9_000)),
    st.builds(pass_time, st.sampled_from([1, 300, 999, 1_000, 4_000])),
)
POINTS = st.tuples(
    st.sampled_from([BTC, ETH]),
    st.one_of(st.integers(990, 1_010), st.integers(600, 1_700)),
    st.sampled_from([1, 200, 400, 999, 1_000, 1_001]),
)
ROUNDS = st.lists(st.tuples(DEEDS, st.lists(POINTS, min_size=2, max_size=6)), min_size=4, max_size=12)


class Walk:
    """One exchange, told of every point in a way of its own."""

    def __init__(self, is_apart: bool, rules: ExchangeRules = RULES) -> None:
        self.engine = an_exchange(rules)
        self._is_apart = is_apart
        self._number = 1_000
        self._prices = dict(PRICES)

    def show(self, symbol: str, permille: int, after_ms: int) -> None:
        self._number += 1
        price = Decimal(self._prices[symbol] * permille // 1_000)
        half = price // 1_000
        self._prices[symbol] = max(int(price), PRICES[symbol] // 3)
        at_ms, many = self.engine.now_ms + after_ms, Decimal(1_000)
        point = BarPoint(
            symbol, price - half, many, price + half, many, self._number, price, many, False, at_ms
        )
        parts: tuple[MarketEvent | BarPoint, ...] = point.parts() if self._is_apart else (point,)
        for event in parts:
            frame: MarketFrame = (at_ms * 1_000_000, 0, self._number, event)
            self.engine.on_frame(frame)

    def do(self, deed: Deed) -> str:
        try:
            return repr(deed(self.engine))
        except ExchangeError as error:
            return repr(error)


@settings(max_examples=300)
@given(ROUNDS)
def test_the_exchange_does_the_same_whether_a_point_comes_whole_or_in_its_parts(
    rounds: list[tuple[Deed, list[tuple[str, int, int]]]],
) -> None:
    whole, apart = Walk(is_apart=False), Walk(is_apart=True)
    for walk in (whole, apart):
        walk.show(BTC, 1_000, 1)
        walk.show(ETH, 1_000, 1)

    for deed, points in rounds:
        assert whole.do(deed) == apart.do(deed)
        for point in points:
            whole.show(*point)
            apart.show(*point)
            assert whole.engine.take_events() == apart.engine.take_events()
            assert whole.engine.memory() == apart.engine.memory()


def test_an_account_that_a_rise_brings_to_its_end_is_liquidated_a_second_later_though_no_look_was_needed() -> (
    None
):
    walk = Walk(is_apart=False, rules=ExchangeRules(leverage=100))
    walk.show(BTC, 1_000, 1)
    walk.do(place("SELL", BTC, 60))
    for _ in range(2):
        walk.show(BTC, 1_000, 1_000)
    assert walk.engine._rests

    walk.show(BTC, 4_600, 1_000)
    assert walk.engine.position_risk(ACCOUNT, BTC)
    walk.show(BTC, 1_000, 1_000)

    assert walk.engine.position_risk(ACCOUNT, BTC) == []
    assert walk.engine.now_ms == START_MS + 4_001


def test_funding_in_the_middle_of_a_second_is_followed_by_a_look_with_the_next_one() -> None:
    rules = ExchangeRules(leverage=100, funding_interval_ms=START_MS + 3_500, funding_rate=Decimal(2))
    for is_apart in (True, False):
        walk = Walk(is_apart, rules)
        walk.show(BTC, 1_000, 1)
        walk.do(place("BUY", BTC, 60))
        walk.do(pay(-5_860))
        walk.show(BTC, 1_000, 1_000)
        walk.show(BTC, 1_000, 1_000)
        walk.show(BTC, 1_000, 1_300)
        assert walk.engine._rests is not is_apart

        walk.show(BTC, 1_000, 300)
        assert walk.engine.position_risk(ACCOUNT, BTC)
        walk.show(BTC, 1_000, 1_000)

        assert walk.engine.position_risk(ACCOUNT, BTC) == []


def test_how_far_a_trailing_stop_has_followed_is_stored_within_a_second_of_a_market_of_bars() -> None:
    commits: list[str] = []
    walk = Walk(is_apart=False, rules=ExchangeRules(leverage=100))
    walk.engine = an_exchange(ExchangeRules(leverage=100), commits.append)
    walk.show(BTC, 1_000, 1)
    walk.do(place("BUY", BTC, 10))
    walk.do(trail("SELL"))
    walk.show(BTC, 1_000, 1_000)
    walk.show(BTC, 1_000, 1_000)
    assert walk.engine._rests

    walk.show(BTC, 1_020, 1_000)
    commits.clear()
    walk.show(BTC, 1_000, 1_000)

    assert "exchange.after_commit" in commits
