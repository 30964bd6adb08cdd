"""Commands that steer a session that runs elsewhere, or its account while none does; and replays of recordings."""

from typing import Annotated, Any

import typer

from src.interfaces.cli.commands import session
from src.interfaces.cli.commands.options import AccountFlag, JsonFlag, load


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause-session", rich_help_panel=session.PANEL)(pause_session)
    app.command("resume-session", rich_help_panel=session.PANEL)(resume_session)
    app.command("replay", rich_help_panel=session.PANEL)(replay)
    app.command("cancel-order", rich_help_panel="Trading")(cancel_order)


def pause_session(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """Open no position until resume-session.

    Entries that rest are canceled, exits and stops go on.
    """
    _move(ctx, account, "pause", "paused: no position is opened until resume-session", as_json)


def resume_session(ctx: typer.Context, account: AccountFlag = None, as_json: JsonFlag = False) -> None:
    """Open positions again after pause-session."""
    _move(ctx, account, "resume", "runs again", as_json)


def _move(ctx: typer.Context, wanted: str | None, name: str, outcome: str, as_json: bool) -> None:
    from src.interfaces.cli.accounts import choose_account
    from src.interfaces.cli.control import command
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.texts import short_id

    app = load(ctx)
    account = choose_account(app, wanted, to_change=True)
    result = command(app, account.account_id, name, {})
    session_id, status = str(result["session_id"]), str(result["status"])
    if as_json:
        print_document({"account_id": account.account_id, "session_id": session_id, "status": status})
    else:
        print(f"{account.exchange.upper()} session {short_id(session_id)} {outcome}")


def cancel_order(
    ctx: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="As `orders --open` shows it.")],
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel an order.

    While no session runs the wish is recorded, and the next start tells the exchange.
    """
    from src.interfaces.cli.canceling import cancel
    from src.interfaces.cli.documents import print_document

    canceled = cancel(load(ctx), account, order_id)
    if as_json:
        print_document(canceled)
    else:
        when = "the exchange is asked" if canceled.running else "recorded: the next start asks the exchange"
        print(f"{canceled.client_order_id} of {canceled.symbol} is to be canceled; {when}")


def replay(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Recorded frames to trade on.")],
    duration: session._Duration = "none",
    symbols: session._Symbols = None,
    strategies: session._Strategies = None,
    timeframe: session._Timeframe = None,
    speed: Annotated[
        str, typer.Option("--speed", metavar="1|10|max", help="Session time over wall time.")
    ] = "max",
    capital: session._Capital = None,
    sizing: session._Sizing = None,
    seed: session._Seed = None,
    flatten: session._Flatten = False,
    as_json: JsonFlag = False,
) -> None:
    """Trade on recorded frames, as quick as it goes.

    The same as start-session --replay FILE --speed max.
    """
    given: dict[str, Any] = {"symbols": symbols, "strategies": strategies, "timeframe": timeframe}
    session.start_session(
        ctx,
        duration=duration,
        replay=files,
        speed=speed,
        capital=capital,
        sizing=sizing,
        seed=seed,
        flatten=flatten,
        as_json=as_json,
        **given,
    )
