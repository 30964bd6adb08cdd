"""Commands about risk: what is used of each limit, and closing a position by hand."""

from typing import Annotated

import typer

from src.application.plain_text import plain
from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load

PANEL = "Safety"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("risk", rich_help_panel=PANEL)(risk)
    app.command("close-position", rich_help_panel=PANEL)(close_position)


def risk(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """Show how much of each risk limit is in use."""
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.risk import look_at_risk, print_risk

    seen = look_at_risk(load(ctx), account)
    if as_json:
        print_document(seen)
    else:
        print_risk(seen)


def close_position(
    ctx: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="What is held, in any spelling.")],
    position_side: Annotated[
        str, typer.Option("--position-side", metavar="SIDE", help="LONG or SHORT, where both are held.")
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", callback=plain, help="Why; kept in the journal.")
    ] = "closed by hand",
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Close a position at the market.

    The running session sends the order; without one nothing is sent.
    """
    from src.domain.market.symbols import canonical_symbol
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.composition import ConfigurationError
    from src.interfaces.cli.control import command
    from src.interfaces.cli.documents import print_document

    if position_side.upper() not in ("", "LONG", "SHORT"):
        raise ConfigurationError(f"--position-side {position_side} is neither LONG nor SHORT")
    app = load(ctx)
    arguments = {
        "symbol": canonical_symbol(symbol),
        "position_side": position_side.upper(),
        "reason": reason,
    }
    row = choose_account(app, account, to_change=True)
    sent = command(app, row.account_id, "close", arguments)
    if as_json:
        print_document(sent)
    else:
        verb = "sells" if sent["side"] == "SELL" else "buys"
        print(f"{sent['symbol']} is being closed: order {sent['order_id']} {verb} {sent['quantity']}")
