"""The balance: what the wallet holds, what it would be worth if everything were closed, and what is bound as margin."""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.money import ZERO
from src.interfaces.cli.composition import Application
from src.interfaces.cli.state import Seen, look
from src.interfaces.cli.status import freshness
from src.interfaces.cli.tables import print_table
from src.interfaces.cli.texts import money, percent, quantity, short_id, signed


@dataclass(frozen=True, slots=True)
class Asset:
    """A wallet: the amount of one asset."""

    asset: str
    wallet: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """Money in ``settle_asset``. Unknown without a process: equity, unrealized P&L and what rests on them are None.

    ``exposure`` is the notional of all positions at mark price (at entry price where no mark is known),
    ``initial_margin`` what they bind at the leverage of each symbol (``leverages``), ``available`` equity less that.
    """

    account_id: str
    exchange: str
    running: bool
    age_ms: int | None
    settle_asset: str
    assets: tuple[Asset, ...]
    wallet: Decimal
    unrealized_pnl: Decimal | None
    equity: Decimal | None
    exposure: Decimal
    leverage: int
    leverages: dict[str, int]
    initial_margin: Decimal
    available: Decimal | None
    positions: int


def balance_of(app: Application, wanted: str | None) -> "tuple[Seen, Balance]":
    """The account's balance, from its process while that runs, else as last committed; raises CommandFailed."""
    seen = look(app, wanted)
    reads = app.open_reads()
    try:
        ledger = reads.ledger(seen.account.account_id)
    finally:
        reads.close()
    assert ledger is not None and ledger.session is not None, "look found both"
    snapshot, settle = seen.snapshot, ledger.account.settle_asset
    wallets = {**ledger.account.wallet, settle: snapshot.wallet}
    options = ledger.session.options
    leverages = {line.symbol: options.leverage_of(line.symbol) for line in snapshot.positions}
    exposure = margin = ZERO
    for line in snapshot.positions:
        notional = abs(line.quantity) * (line.mark_price or line.entry_price)
        exposure += notional
        margin += notional / leverages[line.symbol]
    is_known = seen.is_valued
    return seen, Balance(
        account_id=seen.account.account_id,
        exchange=snapshot.exchange,
        running=seen.running,
        age_ms=seen.age_ms,
        settle_asset=settle,
        assets=tuple(
            Asset(name, amount) for name, amount in sorted(wallets.items()) if amount or name == settle
        ),
        wallet=snapshot.wallet,
        unrealized_pnl=snapshot.unrealized_pnl if is_known else None,
        equity=snapshot.equity if is_known else None,
        exposure=exposure,
        leverage=options.leverage,
        leverages=leverages,
        initial_margin=margin,
        available=snapshot.equity - margin if is_known else None,
        positions=len(snapshot.positions),
    )


def print_balance(seen: Seen, balance: Balance) -> None:
    """The balance for people."""
    print(
        f"{balance.exchange.upper()} balance of account {short_id(balance.account_id)}  [{freshness(seen)}]"
    )
    unknown = "not known without a process"
    bound = percent(balance.initial_margin / balance.equity) if balance.equity else ""
    at = " at their entry prices" if balance.positions and balance.equity is None else ""
    lowest, highest = _range(balance)
    leverage = f"{lowest}x" if lowest == highest else f"{lowest}x to {highest}x"
    lines = (
        ("wallet", money(balance.wallet)),
        ("unrealized", unknown if balance.unrealized_pnl is None else signed(balance.unrealized_pnl)),
        ("equity", unknown if balance.equity is None else money(balance.equity)),
        (
            "exposure",
            f"{money(balance.exposure)} in {balance.positions} position{'s' if balance.positions != 1 else ''}{at}",
        ),
        ("margin", f"{money(balance.initial_margin)} at {leverage}{f', {bound}' if bound else ''}"),
        ("available", unknown if balance.available is None else money(balance.available)),
    )
    for name, text in lines:
        print(f"  {name:<11}{text}")
    if len(balance.assets) > 1:
        rows = [(each.asset, quantity(each.wallet)) for each in balance.assets]
        print_table("Wallets", ("asset", "amount>"), rows)


def _range(balance: Balance) -> tuple[int, int]:
    """The lowest and the highest leverage of what is held; that of the session where nothing is."""
    held = balance.leverages.values() or [balance.leverage]
    return min(held), max(held)
