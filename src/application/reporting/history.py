"""Gathers an account's history for the statistics."""

from dataclasses import replace

from src.application.ports.store import ReadModels, StoreError
from src.domain.performance.equity import EquityMark, Flow
from src.domain.performance.funding import FundingPayment
from src.domain.performance.history import OpenLot, TradingHistory


def trades_of(reads: ReadModels, account_id: str) -> TradingHistory:
    """The account's trades, open lots and funding, without fills and equity; raises StoreError."""
    with reads.same_commit():
        return _trades_of(reads, account_id)


def history_of(reads: ReadModels, account_id: str) -> TradingHistory:
    """Everything that the account has traded, paid and been worth at one moment; raises StoreError."""
    with reads.same_commit():
        history = _trades_of(reads, account_id)
        income = [each for each in reads.income(account_id) if each.asset == history.settle_asset]
        return replace(
            history,
            executions=reads.executions(account_id),
            transfers=[Flow(each.at_ms, each.amount) for each in income if each.is_transfer],
            other_income=[
                Flow(each.at_ms, each.amount) for each in income if not (each.is_transfer or each.is_funding)
            ],
            marks=[
                EquityMark(point.at_ms, point.wallet + point.unrealized_pnl, point.exposure)
                for point in reads.equity_curve(account_id)
            ],
        )


def _trades_of(reads: ReadModels, account_id: str) -> TradingHistory:
    ledger = reads.ledger(account_id)
    if ledger is None:
        raise StoreError(f"account {account_id} is not in the database: start-session makes one")
    settle_asset = ledger.account.settle_asset
    return TradingHistory(
        settle_asset=settle_asset,
        trips=reads.round_trips(account_id),
        open_lots=[
            OpenLot(
                position.symbol, lot.strategy_id, lot.quantity, lot.commission, lot.opened_ms, lot.trade_id
            )
            for position in ledger.positions.values()
            for lot in position.lots
        ],
        funding=[
            FundingPayment(each.symbol, each.amount, each.at_ms)
            for each in reads.income(account_id)
            if each.asset == settle_asset and each.is_funding
        ],
    )
