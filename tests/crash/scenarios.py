"""Seven sessions that between them reach every failpoint of a paper session, and everything a session decides;
deterministic, so that a point found in one run is there in the next.
"""

from dataclasses import dataclass
from pathlib import Path

from src.domain.orders.parents import ParentTrigger
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from tests.crash import acts
from tests.crash.acts import Act


@dataclass(frozen=True, slots=True)
class Scenario:
    """One session on the synthetic market, as quick as it goes; ``flags`` are settings by their names.

    One with a ``script`` is also acted in, and closes its positions at the end if it ``flattens``. At ``emergency_ms``
    (session time since it was opened) its process is gone, everything is closed around it, and another one goes on.
    """

    name: str
    duration_ms: int
    flags: dict[str, str]
    script: tuple[Act, ...] = ()
    flattens: bool = False
    emergency_ms: int | None = None


_COMMON = {
    "timeframe": "1s",
    "symbols": "BTCUSDT",
    "strategies": "sma_cross:fast=2,slow=4",
    "stop_loss_pct": "0.0005",
    "take_profit_pct": "0.001",
    "entries_per_minute_max": "1000",
    "orders_per_minute_max": "10000",
    "position_size_pct": "1",
    "sizing": "percent:0.1",
    "concentration_pct_max": "1",
}
# Whoever acts by hand holds something for a while.
_BY_HAND = {
    **_COMMON,
    "strategies": "sma_cross:fast=20,slow=40",
    "stop_loss_pct": "0.02",
    "take_profit_pct": "0.02",
    "duplicate_window": "1ms",
}

MARKET = Scenario("market", 40_000, {**_COMMON, "funding_interval": "10s", "seed": "11"})
"""Entries at the market, protection that triggers, funding."""

LIMIT = Scenario("limit", 30_000, {**_COMMON, "use_market_orders": "false", "seed": "12"})
"""Limit orders that are done at once or not at all."""

TWO_SYMBOLS = Scenario(
    "two symbols, hedged",
    25_000,
    {
        **_COMMON,
        "symbols": "BTCUSDT,ETHUSDT",
        "strategies": "sma_cross:fast=2,slow=4,macd_momentum",
        "funding_interval": "20s",
        "hedge_mode": "true",
        "seed": "13",
    },
    tuple(
        Act(at_ms + wait_ms, enter("0.004"))
        for at_ms in range(6_000, 20_000, 4_000)
        for wait_ms, enter in ((0, acts.buy), (100, acts.sell))
    ),
)
"""Two symbols and two strategies that disagree; a person holds LONG and SHORT at once."""

BY_HAND = Scenario(
    "by hand",
    24_000,
    {**_BY_HAND, "seed": "14"},
    (
        Act(1_200, acts.buy("0.010")),
        Act(2_200, acts.buy("0.004", "0.002")),
        Act(3_200, acts.modify("0.003", "0.006")),
        Act(4_200, acts.cancel),
        # Amended at rest, then so that it trades at once.
        Act(5_200, acts.sell("0.060", "0.0005")),
        Act(6_200, acts.modify("0.0003", "0.080")),
        Act(7_200, acts.modify("-0.001")),
        Act(9_200, acts.close),
        Act(10_200, acts.sell("0.010", stop_loss="0.04%", take_profit="0.04%")),
        Act(13_200, acts.buy("0.005", "0.004")),
        Act(13_700, acts.sell("0.005", "0.004")),
        Act(15_200, acts.cancel_all),
        Act(17_200, acts.buy("0.020")),
        Act(19_200, acts.buy("0.003", "0.005")),
    ),
)
"""Orders by hand: resting, amended, filled in parts, cancelled, closed; a stop while one rests."""

PARENTS = Scenario(
    "parents",
    26_000,
    {**_BY_HAND, "seed": "15", "funding_interval": "10s"},
    (
        Act(1_200, acts.twap("BUY", "0.012", 4_000, 4)),
        Act(2_700, acts.parent(ParentTrigger.PAUSE)),
        Act(3_700, acts.parent(ParentTrigger.RESUME)),
        Act(7_200, acts.oco("SELL", "0.006", "0.0003")),
        Act(11_200, acts.iceberg("SELL", "0.012", "0.004", "0.00001")),
        Act(15_200, acts.oco("BUY", "0.006", "0.003")),
        Act(16_700, acts.parent(ParentTrigger.CANCEL)),
        Act(18_200, acts.twap("SELL", "0.009", 6_000, 3)),
        Act(20_700, acts.parent(ParentTrigger.CANCEL)),
        Act(22_200, acts.iceberg("BUY", "0.012", "0.004", "0.005")),
    ),
)
"""OCO, TWAP and iceberg: at work, paused, filled, cancelled, and one that rests at the end."""

HALTS = Scenario(
    "halts",
    24_000,
    {**_COMMON, "seed": "16"},
    (
        Act(3_200, acts.buy("0.010", "0.004")),
        Act(4_200, acts.session(SessionTrigger.PAUSE)),
        Act(6_200, acts.session(SessionTrigger.RESUME)),
        Act(7_200, acts.buy("0.010", "0.004")),
        Act(8_200, acts.trading(TradingTrigger.HALT)),
        Act(10_200, acts.trading(TradingTrigger.REARM)),
        Act(11_200, acts.buy("0.020")),
        Act(12_200, acts.trading(TradingTrigger.HALT, flatten=True)),
        Act(14_200, acts.trading(TradingTrigger.REARM)),
        Act(16_200, acts.trading(TradingTrigger.REDUCE)),
        Act(18_200, acts.trading(TradingTrigger.REARM)),
        Act(19_200, acts.buy("0.010", "0.004")),
        Act(20_200, acts.buy("0.020")),
    ),
    flattens=True,
)
"""Paused, halted softly and hard, re-armed; a stop that closes what is held."""

EMERGENCY = Scenario(
    "emergency",
    9_000,
    {**_BY_HAND, "seed": "17"},
    (
        Act(1_200, acts.buy("0.010")),
        Act(2_200, acts.buy("0.004", "0.004")),
        Act(3_200, acts.buy("0.006")),
    ),
    emergency_ms=4_200,
)
"""A process that is gone with a position and a resting entry; all is closed without it, and imported by the next."""

SCENARIOS = (MARKET, LIMIT, TWO_SYMBOLS, BY_HAND, PARENTS, HALTS, EMERGENCY)


def flags_for(scenario: Scenario, data_dir: Path) -> dict[str, str]:
    """The scenario's settings in a data folder of its own."""
    return {**scenario.flags, "data_dir": str(data_dir)}
