"""The exchange checks its own books: every entry balances, every wallet is the sum of its incomes."""

from dataclasses import dataclass

from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.store import ExchangeStore


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One account's books in one asset, in units of 10⁻⁸.

    ``wallet`` is what memory says, ``postings`` what the file's entries add up to in the wallet, ``incomes`` the
    same by income type; ``imbalance`` is the sum of all postings, ``unbalanced_entries`` counts the entries whose
    two sides do not cancel. The trade sums come from the trades themselves.
    """

    account: int
    asset: str
    wallet: int
    postings: int
    incomes: dict[str, int]
    imbalance: int
    unbalanced_entries: int
    traded_pnl: int
    traded_commission: int

    @property
    def holds(self) -> bool:
        """Whether every figure agrees with the others."""
        return (
            self.imbalance == 0
            and self.unbalanced_entries == 0
            and self.wallet == self.postings == sum(self.incomes.values())
            and self.traded_pnl == self.incomes.get("REALIZED_PNL", 0)
            and self.traded_commission == -self.incomes.get("COMMISSION", 0)
        )


def audit(state: ExchangeState, store: ExchangeStore) -> list[AuditLine]:
    """One line for every account and asset."""
    lines = []
    for account in state.accounts.values():
        for asset, wallet in account.wallets.items():
            who = (account.number, asset)
            incomes = dict(
                store.query(
                    "SELECT income_type, sum(amount) FROM postings WHERE account = ? AND asset = ?"
                    " AND book = 'WALLET' GROUP BY income_type ORDER BY income_type",
                    who,
                )
            )
            imbalance = store.query(
                "SELECT ifnull(sum(amount), 0) FROM postings WHERE account = ? AND asset = ?", who
            )[0][0]
            unbalanced = store.query(
                "SELECT count(*) FROM (SELECT 1 FROM postings WHERE account = ? AND asset = ?"
                " GROUP BY tran_id HAVING sum(amount) <> 0 OR count(*) <> 2)",
                who,
            )[0][0]
            pnl, commission = store.query(
                "SELECT ifnull(sum(realized), 0), ifnull(sum(commission), 0) FROM trades"
                " WHERE account = ? AND commission_asset = ?",
                who,
            )[0]
            total = sum(incomes.values())
            lines.append(AuditLine(*who, wallet, total, incomes, imbalance, unbalanced, pnl, commission))
    return lines
