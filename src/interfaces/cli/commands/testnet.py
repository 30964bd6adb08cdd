"""The command that serves a local exchange for clients of any make."""

from pathlib import Path
from typing import Annotated

import typer

from src.interfaces.cli.commands.options import option

PANEL = "Local exchange"
DEFAULT_PORT = 18_080
PORT_MAX = 65_535
SYNTHETIC = "synthetic"
LIVE = "live"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("testnet", rich_help_panel=PANEL)(testnet)


def testnet(
    ctx: typer.Context,
    port: Annotated[
        int, option("--port", "N", f"Where to listen; 0 is any. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    market: Annotated[
        str, option("--market", "NAME", "synthetic or live, as Binance's is. [default: synthetic]")
    ] = SYNTHETIC,
    market_url: Annotated[
        str | None, option("--market-url", "URL", "Whose market is followed live. [default: Binance's]")
    ] = None,
    symbols: Annotated[
        list[str] | None, option("--symbols", "A,B", "Symbols of a synthetic or live market.")
    ] = None,
    replay: Annotated[
        list[str] | None, option("--replay", "FILE...", "Recorded frames as the market.")
    ] = None,
    speed: Annotated[str, option("--speed", "1|10|max", "Market time over wall time. [default: 1]")] = "1",
    loop: Annotated[bool, typer.Option("--loop", help="Begin the market again at its end.")] = False,
    seed: Annotated[int, option("--seed", "N", "Chooses the synthetic market. [default: 42]")] = 42,
    data_dir: Annotated[Path | None, option("--data-dir", "PATH", "Where its files are.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Serve the admin API, too.")] = False,
    strict_routes: Annotated[
        bool, typer.Option("--strict-routes", help="Old stream paths are as mute as Binance's.")
    ] = False,
    faults: Annotated[Path | None, option("--faults", "FILE", "What goes wrong, as JSON.")] = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Lift every rate limit.")] = False,
) -> None:
    """Serve an exchange that speaks Binance's protocol, on this machine alone."""
    from src.interfaces.cli.requests import session_request
    from src.interfaces.cli.testnet import TestnetRequest

    paced = session_request("none", replay or (), speed, False, {})
    ctx.obj.serve_testnet(
        TestnetRequest(
            port=_checked(port),
            symbols=tuple(" ".join(symbols or ()).replace(",", " ").split()),
            replay=paced.replay,
            speed=None if paced.speed is None else float(paced.speed),
            loop=loop,
            seed=seed,
            data_dir=data_dir,
            admin=admin,
            strict_routes=strict_routes,
            faults=faults,
            limits=not no_limits,
            live=_is_live(market, market_url, is_paced=bool(replay) or loop or speed != "1"),
            market_url=market_url,
        )
    )


def _checked(port: int) -> int:
    """The port; raises ConfigurationError for one that there is not."""
    if not 0 <= port <= PORT_MAX:
        from src.interfaces.cli.composition import ConfigurationError

        raise ConfigurationError(f"--port {port} is no port: choose one from 1 to {PORT_MAX}, or 0 for any")
    return port


def _is_live(market: str, market_url: str | None, *, is_paced: bool) -> bool:
    """Whether another exchange's market is followed; raises ConfigurationError for flags that do not go together."""
    from src.interfaces.cli.composition import ConfigurationError

    if market not in (SYNTHETIC, LIVE):
        raise ConfigurationError(f"--market {market}: write synthetic or live, or name files with --replay")
    if market == LIVE and is_paced:
        raise ConfigurationError(
            "a live market comes as it happens: leave out --replay, --loop and --speed, or --market live"
        )
    if market != LIVE and market_url is not None:
        raise ConfigurationError("--market-url is for --market live: add that, or leave it out")
    return market == LIVE
