"""What every test shares: the hypothesis profiles and the recorded market data."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")

ROOT = Path(__file__).resolve().parents[1]

# ci: the same examples in every run, so a red build can be repeated anywhere; no deadline, for slow machines.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
# explore: new examples in every run; failures are remembered in .hypothesis.
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The recorded Binance frames beside the checkout; a test that needs them is skipped without them."""
    folder = ROOT.parent / "shared" / "market-data"
    if not folder.is_dir():
        pytest.skip("no recorded market data beside the checkout (../shared/market-data)")
    return folder
