"""How much risk a running session uses, as commands and screens show it."""

from dataclasses import dataclass

from src.application.trading.session_runner import SessionRunner
from src.domain.ledger.state import Ledger
from src.domain.risk.usage import RuleUse, risk_usage
from src.domain.sessions.trading_states import SymbolState


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Every rule's use of its limit, and what the rules did since this process started.

    ``refusals`` counts refused orders by rule, those of parent orders and amendments, too; ``unenforced`` the reviews
    in which a rule had too little data to judge; both None without a process, as nobody has counted them.
    ``closed_symbols`` are those in which nothing is opened, with the reason.
    """

    trading_state: str
    trading_reason: str
    rules: tuple[RuleUse, ...]
    refusals: dict[str, int] | None
    unenforced: dict[str, int] | None
    closed_symbols: dict[str, str]


def closed_symbols(ledger: Ledger) -> dict[str, str]:
    """Symbols in which nothing is opened, with their state and its reason."""
    return {
        book.symbol: f"{book.state.value}: {book.reason}"
        for book in ledger.symbols.values()
        if book.state is not SymbolState.TRADING
    }


def report_risk(runner: SessionRunner) -> RiskReport:
    """The session now."""
    loop, validator = runner.loop, runner.validator
    account = loop.ledger.account
    return RiskReport(
        trading_state=account.trading_state.value,
        trading_reason=account.trading_reason,
        rules=risk_usage(loop.ledger, loop.desk, validator.limits, loop.now_ms()),
        refusals=dict(loop.ledger.denied),
        unenforced=dict(validator.unenforced),
        closed_symbols=closed_symbols(loop.ledger),
    )
