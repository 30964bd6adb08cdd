"""The performance report for people: a line per subject, and a table of who earned what."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from src.application.ports.store import AccountRow
from src.domain.performance.attribution import By, Group
from src.domain.performance.daily import Day
from src.domain.performance.report import CurveFigures, PerformanceReport
from src.domain.performance.risk import CONFIDENCE
from src.interfaces.cli.tables import Cell, gain, print_table
from src.interfaces.cli.texts import NOTHING, moment, money, percent, short_id, signed
from src.interfaces.cli.units import spelled_duration, written_duration

NAME_MAX = 30
_HUGE = Decimal(1_000_000)


def ratio(value: Decimal | None) -> str:
    """A ratio with two decimals."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if abs(value) < _HUGE else f"{value:.1e}"


def share(value: Decimal | None) -> str:
    """A fraction in percent; one too large to mean anything in short."""
    return percent(value) if value is None or abs(value) < _HUGE else f"{value * 100:.1e} %"


def print_report(report: PerformanceReport, row: AccountRow, strategy: str | None) -> None:
    """The report, a line per subject."""
    whose = f"account {short_id(row.account_id)}" if strategy is None else f"strategy {strategy}"
    curve = report.curve
    span = ""
    if curve is not None and curve.since_ms is not None and curve.until_ms is not None:
        span = f", {moment(curve.since_ms)[:16]} to {moment(curve.until_ms)[:16]} UTC"
    print(f"{row.exchange.upper()} performance of {whose}{span}")
    for line in _lines(report):
        print(f"  {line}")


def _lines(report: PerformanceReport) -> Iterator[str]:
    if report.curve is not None:
        yield from _curve_lines(report.curve)
    yield from _trade_lines(report)
    if report.curve is not None:
        yield from _risk_lines(report.curve)
    yield from _cost_lines(report)


def _curve_lines(curve: CurveFigures) -> Iterator[str]:
    if curve.drawdown is None:
        yield "equity     not marked in this period"
        return
    paid = f", {signed(curve.paid_in)} paid in" if curve.paid_in else ""
    yield (
        f"equity     {money(curve.last_equity)} after {money(curve.first_equity)}{paid}:"
        f" {signed(curve.earned)} ({share(curve.total_return)})"
    )
    worst = curve.drawdown
    yield (
        f"drawdown   {percent(worst.share)}, {money(worst.amount)};"
        f" longest {spelled_duration(worst.duration_ms)}"
    )


def _trade_lines(report: PerformanceReport) -> Iterator[str]:
    trades = report.trades
    if not trades.trades:
        yield "trades     none was closed"
        return
    held = spelled_duration(trades.average_held_ms or 0)
    yield (
        f"trades     {trades.trades:,}: {trades.won:,} won, {trades.lost:,} lost,"
        f" win rate {percent(trades.win_rate)}, held {held}"
    )
    yield (
        f"result     {signed(trades.net_pnl)} = {signed(trades.pnl)} P&L {_minus(trades.commission)} fees"
        f" {signed(trades.funding)} funding"
    )
    yield (
        f"a trade    {signed(trades.expectancy)} on average, won {money(trades.average_win)},"
        f" lost {money(trades.average_loss)}, best {signed(trades.best)}, worst {signed(trades.worst)}"
    )
    yield (
        f"quality    profit factor {ratio(trades.profit_factor)}, payoff {ratio(trades.payoff_ratio)},"
        f" SQN {ratio(trades.sqn)}"
    )


def _risk_lines(curve: CurveFigures) -> Iterator[str]:
    risk = curve.risk
    over = written_duration(risk.bucket_ms)
    yield (
        f"risk       Sharpe {ratio(risk.sharpe)}, Sortino {ratio(risk.sortino)}, Calmar {ratio(risk.calmar)};"
        f" {risk.returns:,} returns of {over}"
    )
    yield f"a year     volatility {share(risk.volatility)}, growth {share(risk.cagr)}"
    yield (
        f"tail       VaR {percent(risk.var)}, CVaR {percent(risk.cvar)} of equity in {over},"
        f" at {CONFIDENCE * 100:.0f} %"
    )


def _cost_lines(report: PerformanceReport) -> Iterator[str]:
    fills = report.executions
    slippage = NOTHING
    if fills.slippage is not None and fills.slippage_bps is not None:
        slippage = f"{_minus(fills.slippage)} ({_minus(fills.slippage_bps)} bp)"
    others = "".join(f", {_minus(amount)} {asset}" for asset, amount in fills.other_commission)
    funding = f", funding {signed(report.funding)}" if report.funding is not None else ""
    rest = f", other income {signed(report.other_income)}" if report.other_income else ""
    yield f"costs      fees {_minus(fills.commission)}{others}, slippage {slippage}{funding}{rest}"
    times = f" ({ratio(report.turnover_ratio)} times equity)" if report.turnover_ratio is not None else ""
    makers = percent(Decimal(fills.maker_fills) / fills.fills) if fills.fills else NOTHING
    yield f"activity   {fills.fills:,} fills, {makers} as maker; turnover {money(fills.turnover)}{times}"
    yield f"exposure   something was held {percent(report.exposure_time)} of the time"
    if report.open_commission or report.open_funding:
        yield (
            f"still open fees {_minus(report.open_commission)}, funding {signed(report.open_funding)}"
            " so far for lots in no trade yet"
        )
    if report.unheld_funding:
        yield f"unheld     funding {signed(report.unheld_funding)} was paid for lots that are not known"


def _minus(cost: Decimal) -> str:
    """A cost as what it does to the account."""
    return signed(-cost)


def print_groups(groups: Sequence[Group], by: By) -> None:
    """Who earned what; the parts add up to the whole."""
    if not groups:
        print("Nothing was traded in this period")
        return
    columns = (
        by.value, "trades>", "win>", "net>", "factor>", "a trade>?", "P&L>?", "fees>?", "funding>?",
        "SQN>?", "slip>?", "turnover>?",
    )  # fmt: skip
    rows = [
        (
            clipped(group.name),
            f"{group.trades.trades:,}",
            percent(group.trades.win_rate),
            gain(group.trades.net_pnl),
            ratio(group.trades.profit_factor),
            gain(group.trades.expectancy),
            gain(group.trades.pnl),
            _minus(group.trades.commission),
            gain(group.trades.funding),
            ratio(group.trades.sqn),
            NOTHING if group.executions.slippage is None else _minus(group.executions.slippage),
            money(group.executions.turnover),
        )
        for group in groups
    ]
    print_table(f"By {by.value}", columns, rows)


def clipped(name: str) -> str:
    """A name that leaves room for figures beside it."""
    name = name or "(none)"
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1]}…"


def print_days(days: Sequence[Day], title: str) -> None:
    """One row a day, oldest first, and their sum."""
    if not days:
        print(f"{title}: none")
        return
    columns = (
        "day", "net>", "return>", "trades>", "win>", "equity>", "drawdown>?", "P&L>?", "fees>?",
        "funding>?", "paid in>?", "other>?",
    )  # fmt: skip
    rows = [_day_row(day) for day in days]
    print_table(title, columns, rows)
    net = sum((day.net for day in days), Decimal(0))
    paid = sum((day.transfers for day in days), Decimal(0))
    trades = sum(day.trades for day in days)
    print(
        f"{len(days)} day{'s' if len(days) > 1 else ''}, {trades:,} trades, net {signed(net)}, paid in {signed(paid)}"
    )


def _day_row(day: Day) -> Sequence[str | Cell]:
    decided = day.won + day.lost
    return (
        day.day,
        gain(day.net),
        percent(day.earned),
        f"{day.trades:,}",
        percent(Decimal(day.won) / decided if decided else None),
        money(day.equity),
        percent(day.drawdown),
        gain(day.realized_pnl),
        _minus(day.commission),
        gain(day.funding),
        signed(day.transfers),
        gain(day.other),
    )
