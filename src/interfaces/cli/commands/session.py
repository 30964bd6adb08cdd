"""Commands that start, stop and show a session."""

from typing import TYPE_CHECKING, Annotated

import typer

from src.interfaces.cli.commands.options import PLACE, AccountFlag, JsonFlag, load, load_for, option

if TYPE_CHECKING:
    from src.interfaces.cli.composition import SessionRequest
    from src.interfaces.cli.screens.choice import Screen

PANEL = "Sessions"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("start-session", rich_help_panel=PANEL)(start_session)
    app.command("stop-session", rich_help_panel=PANEL)(stop_session)
    app.command("status", rich_help_panel=PANEL)(status)


_Duration = Annotated[str, option("--duration", "TIME", "Session time: 60s, 5m, 8h, none. [default: none]")]
_Symbols = Annotated[list[str] | None, option("--symbols", "A,B", "What to trade.")]
_Strategies = Annotated[
    list[str] | None, option("--strategies", "A,B", "Who decides: sma_cross:fast=5,slow=20.")
]
_Timeframe = Annotated[str | None, option("--timeframe", "TIME", "Length of candles, 1s to 1d.")]
_Replay = Annotated[list[str] | None, option("--replay", "FILE...", "Recorded frames to trade on.")]
_Bars = Annotated[list[str] | None, option("--bars", "FILE...", "CSV of OHLCV bars to trade on.")]
_Speed = Annotated[str, option("--speed", "1|10|max", "Session time over wall time. [default: 1]")]
_Seed = Annotated[str | None, option("--seed", "N", "Chooses the synthetic market.")]
_Capital = Annotated[str | None, option("--capital", "USDT", "Start of a new paper account.")]
_Sizing = Annotated[
    str | None, option("--sizing", "SPEC", "percent:0.1, risk:0.005, fixed:0.01, notional:500.")
]
_StopLoss = Annotated[str | None, option("--stop-loss", "SHARE", "Distance of stops, 0.02 is 2 %.")]
_TakeProfit = Annotated[str | None, option("--take-profit", "SHARE", "Distance of targets, 0 for none.")]
_Trailing = Annotated[
    str | None, option("--trailing-stop", "SHARE", "Distance at which stops follow, 0 for fixed ones.")
]
_Funding = Annotated[str | None, option("--funding-interval", "TIME", "Between two funding payments.")]
_Leverage = Annotated[str | None, option("--leverage", "N", "Leverage at the exchange.")]
_Leverages = Annotated[
    str | None, option("--leverages", "A=5,B=3", "Leverage of single symbols, where it is another.")
]
_MarginType = Annotated[str | None, option("--margin-type", "TYPE", "crossed or isolated.")]
_Hedge = Annotated[bool | None, option("--hedge/--one-way", "", "Keep LONG and SHORT of a symbol apart.")]
_Portfolio = Annotated[str | None, option("--portfolio", "NAME", "The portfolio traded for.")]
_Exchange = Annotated[str, option("--exchange", "NAME", "paper, testnet or live. [default: paper]")]
_Resume = Annotated[bool, typer.Option("--resume", help="Go on, where AUTO_RESTART=false asks first.")]
_Flatten = Annotated[bool, typer.Option("--flatten", help="Close all positions at the end.")]


def start_session(
    ctx: typer.Context,
    duration: _Duration = "none",
    symbols: _Symbols = None,
    strategies: _Strategies = None,
    timeframe: _Timeframe = None,
    replay: _Replay = None,
    bars: _Bars = None,
    speed: _Speed = "1",
    seed: _Seed = None,
    capital: _Capital = None,
    sizing: _Sizing = None,
    stop_loss: _StopLoss = None,
    take_profit: _TakeProfit = None,
    trailing_stop: _Trailing = None,
    funding_interval: _Funding = None,
    leverage: _Leverage = None,
    leverages: _Leverages = None,
    margin_type: _MarginType = None,
    hedge: _Hedge = None,
    portfolio: _Portfolio = None,
    exchange: _Exchange = "paper",
    flatten: _Flatten = False,
    resume: _Resume = False,
    as_json: JsonFlag = False,
) -> None:
    """Start a session, or resume the unfinished one."""
    from src.interfaces.cli.requests import require_symbols, session_request

    require_symbols(symbols)
    flags = {
        "symbols": ",".join(symbols) if symbols else None,
        "strategies": ",".join(strategies) if strategies else None,
        "timeframe": timeframe,
        "seed": seed,
        "capital": capital,
        "sizing": sizing,
        "stop_loss_pct": stop_loss,
        "take_profit_pct": take_profit,
        "trailing_stop_pct": trailing_stop,
        "funding_interval": funding_interval,
        "leverage": leverage,
        "leverages": leverages,
        "margin_type": margin_type,
        "hedge_mode": None if hedge is None else str(hedge).lower(),
        "portfolio": portfolio,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    files = (replay or [], speed, flatten, given, bars or [], exchange)
    _run(ctx, given, session_request(duration, *files, resume=resume), as_json)


def _run(ctx: typer.Context, flags: dict[str, str], request: "SessionRequest", as_json: bool) -> None:
    import sys

    from src.interfaces.cli.composition import Ended
    from src.interfaces.cli.confirmation import confirm_live
    from src.interfaces.cli.errors import CommandFailed
    from src.interfaces.cli.screens.choice import choose_screen

    app = load(ctx, flags)
    if request.exchange == "live":
        confirm_live(app.live_plan(), sys.stdin.isatty(), input)
    screen: Screen = choose_screen(as_json, request.speed)
    try:
        result = app.run_session(request, screen)
    finally:
        screen.close()
    screen.show_result(result)
    if result.ended is Ended.ERROR:
        raise CommandFailed(result.reason)


def stop_session(
    ctx: typer.Context,
    flatten: _Flatten = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Stop the running session.

    Its entries are canceled; positions keep their stops, which on paper sleep while no engine runs. Fails unless the
    session is STOPPED in the end, and with --flatten nothing is open.
    """
    from src.interfaces.cli.control import ask_to_stop
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.errors import CommandFailed

    stopped = ask_to_stop(load_for(ctx, PLACE), account, flatten=flatten)
    if as_json:
        print_document(stopped)
    if not stopped.done:
        raise CommandFailed(stopped.text)
    if not as_json:
        print(stopped.text)


def status(
    ctx: typer.Context,
    detailed: Annotated[bool, typer.Option("--detailed", help="Also positions, orders and markets.")] = False,
    account: AccountFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the session, or its last known state."""
    from src.interfaces.cli.audits import print_audit_line
    from src.interfaces.cli.documents import print_document
    from src.interfaces.cli.recovery import last_recovery, print_last_recovery
    from src.interfaces.cli.state import look
    from src.interfaces.cli.status import print_status, status_document

    app = load_for(ctx, PLACE)
    seen = look(app, account)
    audit = app.last_audit(seen.account.account_id)
    if as_json:
        last = last_recovery(app, seen.account.account_id)
        print_document(status_document(seen) | {"audit": audit, "last_recovery": last})
    else:
        print_status(seen, detailed=detailed)
        last = last_recovery(app, seen.account.account_id) if detailed else None
        if last is not None:
            print_last_recovery(last)
        if detailed and audit is not None:
            print_audit_line(audit)
