"""Gathers an account's history for the statistics."""

from src.application.ports.store import ReadModels
from src.domain.performance.equity import EquityMark, Flow
from src.domain.performance.funding import FundingPayment
from src.domain.performance.history import OpenLot, TradingHistory

FUNDING_FEE = "FUNDING_FEE"


def history_of(reads: ReadModels, account_id: str, settle_asset: str) -> TradingHistory:
    """Everything that the account has traded, paid and been worth; raises StoreError."""
    income = [each for each in reads.income(account_id) if each.asset == settle_asset]
    lots = [
        OpenLot(position.symbol, lot.strategy_id, lot.quantity, lot.commission, lot.opened_ms, lot.trade_id)
        for position in reads.positions(account_id)
        for lot in position.lots
    ]
    return TradingHistory(
        settle_asset=settle_asset,
        trips=reads.round_trips(account_id),
        open_lots=lots,
        executions=reads.executions(account_id),
        funding=[
            FundingPayment(each.symbol, each.amount, each.at_ms)
            for each in income
            if each.income_type == FUNDING_FEE
        ],
        transfers=[Flow(each.at_ms, each.amount) for each in income if each.income_type != FUNDING_FEE],
        marks=[
            EquityMark(point.at_ms, point.wallet + point.unrealized_pnl, point.exposure)
            for point in reads.equity_curve(account_id)
        ],
    )
