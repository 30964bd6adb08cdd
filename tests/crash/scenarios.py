"""Three sessions that between them reach every failpoint of a paper session; deterministic, so that a point found
in one run is there in the next.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scenario:
    """One session on the synthetic market, as quick as it goes; ``flags`` are settings by their names."""

    name: str
    duration_ms: int
    flags: dict[str, str]


_COMMON = {
    "timeframe": "1s",
    "symbols": "BTCUSDT",
    "strategies": "sma_cross:fast=2,slow=4",
    "stop_loss_pct": "0.0005",
    "take_profit_pct": "0.001",
    "entries_per_minute_max": "1000",
    "orders_per_minute_max": "10000",
}

SCENARIOS = (
    # Entries at the market, protection that triggers, funding, the timer's recovery.
    Scenario("market", 90_000, {**_COMMON, "funding_interval": "10s", "seed": "11"}),
    # Limit orders that are done at once or not at all.
    Scenario("limit", 60_000, {**_COMMON, "use_market_orders": "false", "seed": "12"}),
    # Two symbols and two strategies that disagree.
    Scenario(
        "two symbols",
        60_000,
        {
            **_COMMON,
            "symbols": "BTCUSDT,ETHUSDT",
            "strategies": "sma_cross:fast=2,slow=4,macd_momentum",
            "funding_interval": "20s",
            "seed": "13",
        },
    ),
)


def flags_for(scenario: Scenario, data_dir: Path) -> dict[str, str]:
    """The scenario's settings in a data folder of its own."""
    return {**scenario.flags, "data_dir": str(data_dir)}
