"""A session's own figures: when it began, when it ended, and whether the next start resumes it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from src.domain.sessions.session import TradingSession, TradingSessionStatus
from tests.support.domain_builders import START_MS, some_options


def a_session(status=TradingSessionStatus.RUNNING, stopped_ms=None):
    return TradingSession("s1", some_options(portfolio_id="alpha"), status, START_MS, stopped_ms)


@pytest.mark.parametrize("status", list(TradingSessionStatus))
def test_every_session_that_was_not_stopped_is_resumed(status):
    assert a_session(status).is_unfinished is (status is not TradingSessionStatus.STOPPED)


def test_its_times_are_aware_and_in_utc():
    session = a_session(stopped_ms=START_MS + 1_500)

    assert session.started_at == datetime(2026, 9, 15, 13, 18, 20, tzinfo=UTC)
    assert session.stopped_at is not None
    assert (session.stopped_at - session.started_at).total_seconds() == 1.5


@pytest.mark.parametrize(
    ("peak", "stored", "equity", "drawdown"),
    [
        ("0", "0", "90", "0"),
        ("100", "0", "90", "0.1"),
        ("100", "0.2", "90", "0.2"),
        ("100", "0.2", "70", "0.3"),
        ("100", "0", "110", "0"),
    ],
)
def test_its_drawdown_is_never_less_than_the_fall_that_equity_shows_now(peak, stored, equity, drawdown):
    session = a_session()
    session.peak_equity, session.max_drawdown = Decimal(peak), Decimal(stored)

    assert session.drawdown_at(Decimal(equity)) == Decimal(drawdown)


def test_a_session_that_goes_on_has_no_end():
    assert a_session().stopped_at is None


def test_it_trades_for_the_portfolio_it_was_started_with():
    assert a_session().portfolio_id == "alpha"
