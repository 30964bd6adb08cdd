"""No sum of the ledger is ever rounded: a second reckoning in whole units of 10⁻⁸ comes to the same wallet.

The trap on inexact results is on while events are applied; only steps that say that they round may round.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.market.sides import PositionSide
from src.domain.money import MONEY_CONTEXT, SATOSHI
from tests.support.domain_builders import BTC, BUY, SELL, START_MS, WALLET, a_ledger

UNIT = 10**8
ASSETS = st.sampled_from(["USDT", "BNB"])


@dataclass(frozen=True)
class Units:
    """A fill or a payment with its amounts in whole units of 10⁻⁸; sizes as large as any account's."""

    buys: bool
    price: int
    quantity: int
    realized: int
    commission: int
    asset: str


MONEY = st.integers(-(10**9) * UNIT, 10**9 * UNIT)
FILLS = st.lists(
    st.builds(
        Units, st.booleans(), st.integers(1, 10**6 * UNIT), st.integers(1, 10**9 * UNIT), MONEY, MONEY, ASSETS
    ),
    max_size=20,
)
PAYMENTS = st.lists(st.tuples(MONEY, ASSETS), max_size=10)


@pytest.fixture(autouse=True, scope="module")
def _no_sum_is_rounded() -> Iterator[None]:
    with localcontext(MONEY_CONTEXT) as context:
        context.traps[Inexact] = True
        yield


def booked(number: int, fill: Units) -> e.FillBooked:
    return e.FillBooked(
        client_order_id="",
        symbol=BTC,
        trade_id=number,
        exchange_order_id=number,
        side=BUY if fill.buys else SELL,
        position_side=PositionSide.BOTH,
        price=fill.price * SATOSHI,
        quantity=fill.quantity * SATOSHI,
        realized_pnl=fill.realized * SATOSHI,
        commission=fill.commission * SATOSHI,
        commission_asset=fill.asset,
        is_maker=False,
        traded_ms=START_MS,
        strategy_id="s",
    )


@given(FILLS, PAYMENTS)
def test_the_wallet_is_the_exact_sum_of_what_the_exchange_says(fills, payments):
    ledger = a_ledger()

    for number, fill in enumerate(fills, 1):
        evolve(ledger, booked(number, fill), START_MS)
    for number, (units, asset) in enumerate(payments, 10):
        evolve(ledger, e.IncomeBooked(number, "FUNDING_FEE", asset, units * SATOSHI, BTC, START_MS), START_MS)

    for asset, start in (("USDT", int(WALLET)), ("BNB", 0)):
        units = start * UNIT + sum(amount for amount, paid_in in payments if paid_in == asset)
        units -= sum(fill.commission for fill in fills if fill.asset == asset)
        units += sum(fill.realized for fill in fills) if asset == "USDT" else 0
        assert ledger.account.wallet.get(asset, Decimal(0)) == units * SATOSHI


@given(FILLS)
def test_account_session_and_position_count_the_same_money(fills):
    ledger = a_ledger()

    for number, fill in enumerate(fills, 1):
        evolve(ledger, booked(number, fill), START_MS)

    account, session, position = ledger.account, ledger.session, ledger.position(BTC)
    assert session is not None
    realized = sum(fill.realized for fill in fills) * SATOSHI
    commission = sum(fill.commission for fill in fills if fill.asset == "USDT") * SATOSHI
    assert account.realized_pnl == session.total_pnl == position.realized_pnl == realized
    assert account.commission == session.total_commission == position.commission == commission
    trips = ledger.changes.round_trips
    assert session.total_trades == len(trips)
    left = sum((lot.commission for lot in position.lots), Decimal(0))
    assert sum((trip.commission for trip in trips), left) == commission
