"""The acceptance run: a recorded market, trailing stops, funding each minute, and what else may befall an account.

While the session trades, the exchange pays funding every 60 s of its own time, the account's owner trades by hand,
one position is auto-deleveraged and one is liquidated, upon which a person lets trading go on. Afterwards both sides'
files have to say the same of every order, fill, fee, payment, position and wallet, and enough has to have happened
for that to mean something.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

from tests.venue.processes import Program, Run, a_run
from tests.venue.scenarios import BAD_STREAM, LIVELY, LOOSE, Figures, rest

SYMBOLS = ("BTCUSDT", "ETHUSDT")
ACCOUNT = 1
FUNDING_EVERY_MS = 60_000
FUNDING_RATE = "0.0001"
PATIENCE_S = 20.0
LOOK_S = 0.1
OWNERS_QUANTITY = {"BTCUSDT": "0.003", "ETHUSDT": "0.05"}
ORDERS_MIN = 200
TRIGGERED_MIN = 30
TRAILING = {"TRAILING_STOP_PCT": "0.001", **LOOSE}
SESSION = (*LIVELY, "--symbols", ",".join(SYMBOLS))


@dataclass
class Accidents:
    """What the exchange and the account's owner did."""

    funding: int = 0
    owners_trades: int = 0
    deleveraged: int = 0
    liquidated: int = 0

    def line(self) -> str:
        """One line for people."""
        return (
            f"funding paid {self.funding} times, {self.owners_trades} trades by the owner, "
            f"{self.deleveraged} deleveraged, {self.liquidated} liquidated"
        )


def run_acceptance(
    exchange: tuple[str, ...],
    speed: float,
    seconds: float,
    folder: Path,
    port: int,
    *,
    whole: bool,
    cuts: int = 0,
) -> tuple[Figures, Accidents]:
    """Trade for ``seconds`` of wall time and judge; ``whole`` also asks for the number of orders and stops.

    With ``cuts`` the user stream is cut so often, events come late and up to three times, and answers behind them.
    """
    figures, accidents = Figures(), Accidents()
    with a_run(folder, port, exchange, SESSION, **TRAILING) as run:
        run.start_exchange()
        figures.slowest_start_s = run.start_session()
        if cuts:
            run.admin("POST", "faults", rules=BAD_STREAM)
        cut_every_s = seconds / cuts if cuts else float("inf")
        _trade(run, figures, accidents, speed, seconds, cut_every_s)
        if cuts:
            run.admin("PUT", "faults", seed=0, rules=[])
        rest(run, figures)
    for done, what in (
        (accidents.funding, "funding was never paid"),
        (accidents.owners_trades, "the owner never traded"),
        (accidents.deleveraged, "nothing was deleveraged"),
        (accidents.liquidated, "nothing was liquidated"),
        (not whole or figures.orders >= ORDERS_MIN, f"fewer than {ORDERS_MIN} orders"),
        (not whole or figures.triggered >= TRIGGERED_MIN, f"fewer than {TRIGGERED_MIN} triggered stops"),
    ):
        if not done:
            figures.violations.append(f"not enough happened: {what}")
    return figures, accidents


def _trade(
    run: Run, figures: Figures, accidents: Accidents, speed: float, seconds: float, cut_every_s: float
) -> None:
    begun = time.monotonic()
    next_cut = begun + cut_every_s
    fund_every_s = FUNDING_EVERY_MS / 1_000 / speed
    next_funding = begun + fund_every_s
    for share, deed in (
        (0.25, lambda: _owner_trades(run, accidents)),
        (0.45, lambda: _deleverage(run, accidents)),
        (0.65, lambda: _liquidate(run, accidents)),
        (1.0, lambda: None),
    ):
        while time.monotonic() < begun + seconds * share:
            time.sleep(LOOK_S)
            if not run.session.is_running:
                raise RuntimeError(f"the session ended by itself: {run.session.tail()}")
            if time.monotonic() >= next_cut:
                next_cut += cut_every_s
                run.admin("POST", "streams/cut")
                figures.cuts += 1
            if time.monotonic() >= next_funding:
                next_funding += fund_every_s
                for symbol in SYMBOLS:
                    run.admin("POST", "funding", symbol=symbol, rate=FUNDING_RATE)
                accidents.funding += 1
        deed()


def _owner_trades(run: Run, accidents: Accidents) -> None:
    for symbol, quantity in OWNERS_QUANTITY.items():
        run.admin("POST", "owner_trades", account=ACCOUNT, symbol=symbol, side="BUY", quantity=quantity)
        accidents.owners_trades += 1


def _deleverage(run: Run, accidents: Accidents) -> None:
    accidents.deleveraged += _befalls(lambda s: run.admin("POST", "adl", account=ACCOUNT, symbol=s))
    _rearm(run)


def _liquidate(run: Run, accidents: Accidents) -> None:
    accidents.liquidated += _befalls(lambda s: run.admin("POST", "liquidation", account=ACCOUNT, symbol=s))
    _rearm(run)


def _befalls(deed: Callable[[str], object]) -> int:
    """Do it to the first symbol in which there is a position, waiting for one; how often it happened."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        for symbol in SYMBOLS:
            with _refused() as refusals:
                deed(symbol)
            if not refusals:
                return 1
        time.sleep(LOOK_S)
    return 0


@contextmanager
def _refused() -> Iterator[list[int]]:
    """Collects the refusal of a request: there is nothing to close just now."""
    refusals: list[int] = []
    try:
        yield refusals
    except HTTPError as error:
        refusals.append(error.code)


def _rearm(run: Run) -> None:
    """A person lets trading go on, once the session has halted over what it has heard."""
    run.session.wait_for("HALTED", seconds=PATIENCE_S)
    rearm = Program("rearm", run.folder, ["rearm"])
    rearm.start()
    if rearm.wait() != 0:
        raise RuntimeError(f"trading was not re-armed: {rearm.tail()}")
