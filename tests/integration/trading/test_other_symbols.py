"""Trades of an account in symbols that no session of ours trades: they are in the books like all others."""

import pytest

from src.application.trading.services.live_trading_service import LiveTradingService
from src.domain.sessions.trading_states import TradingState
from tests.integration.trading.places import Start, TradingPlace, assert_equal_books, lost, until
from tests.integration.trading.test_sessions_on_a_venue import bought

OTHER = "ETHUSDT"


def agrees(service: LiveTradingService) -> bool:
    loop = service._active().loop
    return not loop.reconcile_wanted and OTHER in loop.ledger.symbols


@pytest.mark.parametrize("closed", [False, True], ids=["held", "closed"])
async def test_what_somebody_traded_in_another_symbol_meanwhile_halts_nothing(
    local: TradingPlace, start: Start, *, closed: bool
):
    service = await start(local)
    await bought(service)
    await lost(service)
    local.admin("POST owner_trades", symbol=OTHER, side="BUY", quantity="0.5")
    if closed:
        local.admin("POST owner_trades", symbol=OTHER, side="SELL", quantity="0.5")

    again = await start(local)
    await until(lambda: agrees(again))
    state = again._active().loop.ledger.account.trading_state
    await assert_equal_books(again)

    assert state is TradingState.ACTIVE
