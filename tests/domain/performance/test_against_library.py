"""The ratios against a library that others wrote and use, which computes in binary floating point.

What it says stands in reference.json, which make_reference.py writes; why it is no dependency is said there.
"""

import json
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from src.domain.performance.equity import DAY_MS, EquityMark
from src.domain.performance.history import TradingHistory
from src.domain.performance.report import report
from tests.domain.performance.histories import marks, random_equities

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())


def assert_near(ours: D | None, theirs: float) -> None:
    """To 1e-9 of the figure."""
    assert ours is not None
    assert float(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def assert_all_near(points: list[EquityMark], bucket_ms: int, theirs: dict[str, float]) -> None:
    found = report(TradingHistory("USDT", marks=points), bucket_ms=bucket_ms).curve
    assert found is not None and found.drawdown is not None
    for name in ("sharpe", "sortino", "volatility", "var", "cvar"):
        assert_near(getattr(found.risk, name), theirs[name])
    assert_near(found.drawdown.share, theirs["drawdown"])
    assert_near(found.total_return, theirs["total_return"])
    if len(points) * bucket_ms > DAY_MS:
        assert_near(found.risk.cagr, theirs["cagr"])
        assert_near(found.risk.calmar, theirs["calmar"])


@pytest.mark.parametrize(
    "series",
    REFERENCE["random"],
    ids=lambda each: f"seed {each['seed']}, {each['count']} of {each['bucket_ms']}",
)
def test_every_ratio_of_a_random_series_is_that_of_the_library(series: dict[str, Any]):
    points = marks(*random_equities(series["seed"], series["count"]), every_ms=series["bucket_ms"])

    assert_all_near(points, series["bucket_ms"], series["figures"])


def test_every_ratio_of_a_recorded_session_is_that_of_the_library():
    recorded = REFERENCE["recorded"]

    points = marks(*recorded["equities"], every_ms=recorded["bucket_ms"])

    assert len(points) > 400
    assert_all_near(points, recorded["bucket_ms"], recorded["figures"])
