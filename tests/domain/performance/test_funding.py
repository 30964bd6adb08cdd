from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from src.domain.performance.funding import FundingPayment, Holding, share_funding


def a_holding(quantity: str, opened: int, closed: int | None, number: int = 1) -> Holding:
    return Holding("BTCUSDT", D(quantity), opened, closed, number)


def a_payment(amount: str, at_ms: int, symbol: str = "BTCUSDT") -> FundingPayment:
    return FundingPayment(symbol, D(amount), at_ms)


def test_a_payment_is_shared_by_quantity_among_what_was_held_then():
    holdings = [a_holding("3", 0, 50), a_holding("1", 10, None, 2), a_holding("9", 60, 70, 3)]

    shares, unheld = share_funding(holdings, [a_payment("-4", 40)])

    assert (shares, unheld) == ([D(-3), D(-1), D(0)], [])


def test_what_is_closed_at_the_moment_takes_part_and_what_is_opened_then_does_not():
    holdings = [a_holding("1", 0, 40), a_holding("1", 40, 90, 2)]

    shares, _ = share_funding(holdings, [a_payment("2", 40)])

    assert shares == [D(2), D(0)]


def test_what_is_opened_at_the_moment_of_a_payment_takes_part_where_nothing_was_held_before():
    holdings = [a_holding("1", 0, 39), a_holding("1", 40, 40, 2), a_holding("1", 41, None, 3)]

    shares, unheld = share_funding(holdings, [a_payment("2", 40)])

    assert (shares, unheld) == ([D(0), D(2), D(0)], [])


def test_a_payment_for_nothing_that_is_known_is_handed_back():
    payment = a_payment("1", 5, "ETHUSDT")

    shares, unheld = share_funding([a_holding("1", 0, None)], [payment])

    assert (shares, unheld) == ([D(0)], [payment])


def test_what_cannot_be_divided_goes_to_the_last():
    holdings = [a_holding("1", 0, None, number) for number in (1, 2, 3)]

    shares, _ = share_funding(holdings, [a_payment("0.00000010", 1)])

    assert shares == [D("0.00000003"), D("0.00000004"), D("0.00000003")]


holdings = st.builds(
    lambda symbol, quantity, opened, length, number: Holding(
        symbol, D(quantity).scaleb(-3), opened, None if length is None else opened + length, number
    ),
    st.sampled_from(["A", "B"]),
    st.integers(1, 10**6),
    st.integers(0, 20),
    st.none() | st.integers(0, 20),
    st.integers(1, 5),
)
payments = st.builds(
    lambda symbol, amount, at: FundingPayment(symbol, D(amount).scaleb(-8), at),
    st.sampled_from(["A", "B", "C"]),
    st.integers(-(10**12), 10**12),
    st.integers(0, 45),
)


@given(st.lists(holdings, max_size=12), st.lists(payments, max_size=8))
def test_nothing_of_a_payment_is_lost(held, paid):
    shares, unheld = share_funding(held, paid)

    assert sum(shares, D(0)) + sum((p.amount for p in unheld), D(0)) == sum((p.amount for p in paid), D(0))


@given(st.lists(holdings, max_size=12, unique_by=lambda h: (h.opened_ms, h.trade_id)), st.data())
def test_the_order_in_which_holdings_and_payments_are_given_changes_no_share(held, data):
    paid = data.draw(st.lists(payments, max_size=8))
    mixed = data.draw(st.permutations(held))

    shares, _ = share_funding(held, paid)
    mixed_shares, _ = share_funding(mixed, paid[::-1])

    assert sorted(zip(map(repr, held), shares, strict=True)) == sorted(
        zip(map(repr, mixed), mixed_shares, strict=True)
    )
