"""How much of each limit is in use, for people and for programs; from the running session, else as last committed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from src.application.trading.risk_report import RiskReport, closed_symbols
from src.domain.market.view import BlindView
from src.domain.money import canonical
from src.domain.risk.usage import RuleUse, risk_usage
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed, ExitCode, NotAnswering
from src.interfaces.cli.tables import Cell, print_table
from src.interfaces.cli.texts import NOTHING, money, percent

_FRACTIONS: Final = frozenset(
    {"position_size", "concentration", "margin", "daily_loss", "drawdown", "price_collar", "slippage"}
)
_MONEY: Final = frozenset({"symbol_exposure", "gross_exposure", "order_value"})
_NEAR: Final = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class RiskSeen:
    """The report, and whether a process answered for it; without one nothing is valued at the market."""

    account_id: str
    exchange: str
    running: bool
    report: RiskReport
    holder: str | None = None


def look_at_risk(app: Application, wanted: str | None) -> RiskSeen:
    """The account's risk now; raises :class:`CommandFailed` when it has had no session."""
    row = choose_account(app, wanted)
    try:
        answer = command(app, row.account_id, "risk", {})
        return RiskSeen(row.account_id, row.exchange, True, msgspec.convert(answer, RiskReport))
    except (ConnectionError, NotAnswering) as error:
        holder = error.holder if isinstance(error, NotAnswering) else None
        reads = app.open_reads()
    try:
        ledger = reads.ledger(row.account_id)
    finally:
        reads.close()
    if ledger is None or ledger.session is None:
        raise CommandFailed("the account has had no session yet: start-session makes one", ExitCode.NOT_FOUND)
    state = ledger.account
    report = RiskReport(
        trading_state=state.trading_state.value,
        trading_reason=state.trading_reason,
        rules=risk_usage(ledger, BlindView(), app.risk_limits(), state.last_ms),
        refusals=None,
        unenforced=None,
        closed_symbols=closed_symbols(ledger),
    )
    return RiskSeen(row.account_id, row.exchange, False, report, holder)


def print_risk(seen: RiskSeen) -> None:
    """The report for people: the fullest limits stand out."""
    report = seen.report
    state = f"{seen.holder} does not answer" if seen.holder else "not running"
    live = "live" if seen.running else f"{state}: as last committed, positions at cost"
    reason = f": {report.trading_reason}" if report.trading_state != "ACTIVE" else ""
    print(f"{seen.exchange.upper()} risk, {live}; trading {report.trading_state}{reason}")
    rows = [
        (
            use.rule,
            use.subject or NOTHING,
            _value(use.rule, use.value),
            _value(use.rule, use.limit),
            _used(use),
            NOTHING if report.refusals is None else str(report.refusals.get(use.rule, 0)),
        )
        for use in (*report.rules, *_without_figure(report))
    ]
    print_table("Limits", ("rule", "most in", "now>", "limit>", "used>", "refused>?"), rows)
    for symbol, text in report.closed_symbols.items():
        print(f"{symbol} is {text}: rearm --symbol {symbol} opens it again")
    for rule, count in (report.unenforced or {}).items():
        print(f"{rule} was not enforced {count} times: too few bars yet")


def _without_figure(report: RiskReport) -> list[RuleUse]:
    """The rules that refused and have no figure of their own."""
    shown = {use.rule for use in report.rules}
    return [RuleUse(rule, "", None, None, None) for rule in report.refusals or {} if rule not in shown]


def _value(rule: str, value: Decimal | None) -> str:
    if value is None:
        return NOTHING
    if rule in _FRACTIONS:
        return percent(value)
    return money(value) if rule in _MONEY else canonical(value)


def _used(use: RuleUse) -> Cell:
    if use.used is None:
        return Cell(NOTHING)
    style = "red" if use.used >= 1 else "yellow" if use.used >= _NEAR else ""
    return Cell(percent(use.used), style)
