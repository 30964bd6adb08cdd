"""The strategies of an account: which of them the session runs, and what each has come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from src.application.ports.store import AccountRow
from src.application.reporting.history import history_of
from src.domain.ledger.state import Ledger
from src.domain.money import ZERO
from src.domain.performance.attribution import By, Group
from src.domain.performance.history import Period
from src.domain.performance.report import report
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application
from src.interfaces.cli.performance import clipped, ratio
from src.interfaces.cli.questions import parse_period
from src.interfaces.cli.tables import Cell, gain, print_table
from src.interfaces.cli.texts import NOTHING, percent


@dataclass(frozen=True, slots=True)
class StrategyLine:
    """One strategy. ``in_session``: the account's newest session names it; ``positions`` are the symbols it holds.

    ``group`` holds its figures, None when it has traded nothing in the period.
    """

    strategy_id: str
    in_session: bool
    positions: tuple[str, ...]
    group: Group | None


@dataclass(frozen=True, slots=True)
class StrategyList:
    """The strategies of an account in a period, those of the session first."""

    account: AccountRow
    period: Period
    strategies: tuple[StrategyLine, ...]


def strategies_of(app: Application, wanted: str | None, since: str | None, until: str | None) -> StrategyList:
    """Those that the newest session names, and whatever else has traded; raises CommandFailed and ValueError."""
    row = choose_account(app, wanted)
    period = parse_period(since, until, row.last_ms)
    reads = app.open_reads()
    try:
        history = history_of(reads, row.account_id)
        ledger = reads.ledger(row.account_id)
    finally:
        reads.close()
    assert ledger is not None, "its history was found"
    groups = {group.name: group for group in report(history, period, by=By.STRATEGY).groups}
    named = () if ledger.session is None else ledger.session.options.strategies
    others = sorted(name for name in groups if name and name not in named)
    lines = tuple(
        StrategyLine(name, name in named, _held(ledger, name), groups.get(name)) for name in (*named, *others)
    )
    return StrategyList(row, period, lines)


def _held(ledger: Ledger, strategy_id: str) -> tuple[str, ...]:
    positions = ledger.positions.values()
    return tuple(
        sorted({each.symbol for each in positions if not each.is_flat and each.strategy_id == strategy_id})
    )


def print_strategies(found: StrategyList) -> None:
    """The list for people."""
    title = f"{found.account.exchange.upper()} strategies"
    if not found.strategies:
        print(f"{title}: none yet, start-session names them")
        return
    columns = (
        "strategy", "session", "trades>", "win>", "net>", "factor>", "holds", "a trade>?", "SQN>?",
        "fees>?", "slip>?",
    )  # fmt: skip
    print_table(title, columns, [_row(line) for line in found.strategies])
    net = sum((line.group.trades.net_pnl for line in found.strategies if line.group is not None), Decimal(0))
    print(f"{len(found.strategies)} strategies, net {net:+,.2f}")


def _row(line: StrategyLine) -> Sequence[str | Cell]:
    trades = line.group.trades if line.group is not None else None
    slippage = line.group.executions.slippage if line.group is not None else None
    return (
        clipped(line.strategy_id),
        "yes" if line.in_session else "no",
        f"{trades.trades:,}" if trades is not None else "0",
        percent(trades.win_rate if trades is not None else None),
        gain(trades.net_pnl if trades is not None else ZERO),
        ratio(trades.profit_factor if trades is not None else None),
        ", ".join(line.positions) or NOTHING,
        gain(trades.expectancy if trades is not None else None),
        ratio(trades.sqn if trades is not None else None),
        gain(-trades.commission if trades is not None else ZERO),
        gain(-slippage if slippage is not None else None),
    )
