"""The command that serves a local exchange for clients of any make."""

from pathlib import Path
from typing import Annotated, Any

import typer

PANEL = "Local exchange"
DEFAULT_PORT = 18_080
SYNTHETIC = "synthetic"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("testnet", rich_help_panel=PANEL)(testnet)


def _option(flag: str, metavar: str, meaning: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=meaning, show_default=False)


_Port = Annotated[int, _option("--port", "N", f"Where to listen; 0 is any. [default: {DEFAULT_PORT}]")]


def testnet(
    ctx: typer.Context,
    port: Annotated[
        int, _option("--port", "N", f"Where to listen; 0 is any. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    market: Annotated[str, _option("--market", "NAME", "synthetic, unless files are replayed.")] = SYNTHETIC,
    symbols: Annotated[
        list[str] | None, _option("--symbols", "A,B", "Symbols of the synthetic market.")
    ] = None,
    replay: Annotated[
        list[str] | None, _option("--replay", "FILE...", "Recorded frames as the market.")
    ] = None,
    speed: Annotated[str, _option("--speed", "1|10|max", "Market time over wall time. [default: 1]")] = "1",
    loop: Annotated[bool, typer.Option("--loop", help="Begin the market again at its end.")] = False,
    seed: Annotated[int, _option("--seed", "N", "Chooses the synthetic market. [default: 42]")] = 42,
    data_dir: Annotated[Path | None, _option("--data-dir", "PATH", "Where its files are.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Serve the admin API, too.")] = False,
    strict_routes: Annotated[
        bool, typer.Option("--strict-routes", help="Old stream paths are as mute as Binance's.")
    ] = False,
    faults: Annotated[Path | None, _option("--faults", "FILE", "What goes wrong, as JSON.")] = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Lift every rate limit.")] = False,
) -> None:
    """Serve an exchange that speaks Binance's protocol, on this machine alone."""
    from src.interfaces.cli.composition import ConfigurationError
    from src.interfaces.cli.requests import session_request
    from src.interfaces.cli.testnet import TestnetRequest

    if market != SYNTHETIC:
        raise ConfigurationError(f"--market {market}: write synthetic, or name files with --replay")
    paced = session_request("none", replay or (), speed, False, {})
    ctx.obj.serve_testnet(
        TestnetRequest(
            port=port,
            symbols=tuple(name for part in symbols or () for name in part.replace(",", " ").split()),
            replay=paced.replay,
            speed=None if paced.speed is None else float(paced.speed),
            loop=loop,
            seed=seed,
            data_dir=data_dir,
            admin=admin,
            strict_routes=strict_routes,
            faults=faults,
            limits=not no_limits,
        )
    )
