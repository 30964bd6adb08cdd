"""Writes reference.json: what a library that others wrote and use says of the series that the tests use.

Run it by hand with a Python of its own that has `empyrical-reloaded`; it is no dependency, because it brings pandas,
and TA-Lib loads pandas at import wherever it finds it: every start would be slower and larger.

    python -m tests.domain.performance.make_reference [session.db]

With the database of a session its equity curve becomes the recorded series, else the one on file stays.
"""

import json
import sqlite3
import sys
from decimal import Decimal as D
from pathlib import Path
from typing import Any

from src.domain.performance.equity import DAY_MS, HOUR_MS, MINUTE_MS, curve, returns
from src.domain.performance.risk import YEAR_MS
from tests.domain.performance.histories import marks, random_equities

FILE = Path(__file__).with_name("reference.json")


def figures_of_the_library(equities: list[D], bucket_ms: int) -> dict[str, float]:
    """The library's figures of a series with one mark a bucket, from returns as it would compute them itself."""
    import empyrical  # type: ignore[import-not-found, unused-ignore]  # installed by hand
    import numpy as np

    values = np.array([float(equity) for equity in equities])
    changes = values[1:] / values[:-1] - 1
    assert len(changes) == len(returns(curve(marks(*equities, every_ms=bucket_ms)), bucket_ms))
    a_year: dict[str, Any] = {"annualization": YEAR_MS / bucket_ms}
    return {
        "sharpe": empyrical.sharpe_ratio(changes, **a_year),
        "sortino": empyrical.sortino_ratio(changes, **a_year),
        "volatility": empyrical.annual_volatility(changes, **a_year),
        "cagr": empyrical.annual_return(changes, **a_year),
        "calmar": empyrical.calmar_ratio(changes, **a_year),
        "var": -float(empyrical.value_at_risk(changes, 0.05)),
        "cvar": -float(empyrical.conditional_value_at_risk(changes, 0.05)),
        "drawdown": -empyrical.max_drawdown(changes),
        "total_return": float(empyrical.cum_returns_final(changes)),
    }


def recorded(path: str) -> list[str]:
    """The equity curve of the only account of a session database."""
    rows = sqlite3.connect(path).execute("SELECT wallet, unrealized_pnl FROM equity_points ORDER BY seq")
    return [format(D(wallet) + D(unrealized), "f") for wallet, unrealized in rows]


def main() -> None:
    """Write the file."""
    equities = (
        recorded(sys.argv[1]) if len(sys.argv) > 1 else json.loads(FILE.read_text())["recorded"]["equities"]
    )
    series = [
        {"seed": seed, "count": count, "bucket_ms": bucket_ms}
        for seed in range(4)
        for count in (31, 100, 777)
        for bucket_ms in (DAY_MS, HOUR_MS)
    ]
    document = {
        "library": "empyrical-reloaded 0.7.1",
        "random": [
            {
                **each,
                "figures": figures_of_the_library(
                    random_equities(each["seed"], each["count"]), each["bucket_ms"]
                ),
            }
            for each in series
        ],
        "recorded": {
            "bucket_ms": MINUTE_MS,
            "figures": figures_of_the_library([D(equity) for equity in equities], MINUTE_MS),
            "equities": equities,
        },
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
