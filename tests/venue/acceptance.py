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
FORCED = 2
HALTS = b"trading   halt:"
"""What a session prints when it halts."""
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
    rearmed: int = 0

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
        _Course(run, figures, accidents, speed, seconds, cuts).take()
        if cuts:
            run.admin("PUT", "faults", seed=0, rules=[])
        rest(run, figures)
    for done, what in (
        (accidents.funding, "funding was never paid"),
        (accidents.owners_trades, "the owner never traded"),
        (accidents.deleveraged, "nothing was deleveraged"),
        (accidents.liquidated, "nothing was liquidated"),
        (accidents.rearmed == FORCED, "the session did not halt over each forced trade"),
        (not whole or figures.orders >= ORDERS_MIN, f"fewer than {ORDERS_MIN} orders"),
        (not whole or figures.triggered >= TRIGGERED_MIN, f"fewer than {TRIGGERED_MIN} triggered stops"),
    ):
        if not done:
            figures.violations.append(f"not enough happened: {what}")
    return figures, accidents


class _Course:
    """What befalls the run while it trades: cuts and funding by the clock, and one deed after the other.

    A deed has its time, and is tried from then on until it is done: there may be no position to take just then.
    """

    def __init__(
        self, run: Run, figures: Figures, accidents: Accidents, speed: float, seconds: float, cuts: int
    ) -> None:
        self._run, self._figures, self._accidents = run, figures, accidents
        self._begun = time.monotonic()
        self._end = self._begun + seconds
        self._cut_every_s = seconds / cuts if cuts else float("inf")
        self._next_cut = self._begun + self._cut_every_s
        self._fund_every_s = FUNDING_EVERY_MS / 1_000 / speed
        self._next_funding = self._begun + self._fund_every_s
        self._told_before = 0
        self._deeds: list[tuple[float, Callable[[], bool]]] = [
            (self._begun + share * seconds, deed)
            for share, deed in (
                (0.25, self._owner_trades),
                (0.45, self._deleverage),
                (0.45, self._rearm),
                (0.65, self._liquidate),
                (0.65, self._rearm),
            )
        ]

    def take(self) -> None:
        """Let it trade to the end."""
        while (now := time.monotonic()) < self._end:
            time.sleep(LOOK_S)
            if not self._run.session.is_running:
                raise RuntimeError(f"the session ended by itself: {self._run.session.tail()}")
            if now >= self._next_cut:
                self._next_cut += self._cut_every_s
                self._run.admin("POST", "streams/cut")
                self._figures.cuts += 1
            if now >= self._next_funding:
                self._next_funding += self._fund_every_s
                for symbol in SYMBOLS:
                    self._run.admin("POST", "funding", symbol=symbol, rate=FUNDING_RATE)
                self._accidents.funding += 1
            if self._deeds and now >= self._deeds[0][0] and self._deeds[0][1]():
                del self._deeds[0]

    def _owner_trades(self) -> bool:
        for symbol, quantity in OWNERS_QUANTITY.items():
            self._run.admin(
                "POST", "owner_trades", account=ACCOUNT, symbol=symbol, side="BUY", quantity=quantity
            )
            self._accidents.owners_trades += 1
        return True

    def _deleverage(self) -> bool:
        done = self._befalls("adl")
        self._accidents.deleveraged += done
        return done

    def _liquidate(self) -> bool:
        done = self._befalls("liquidation")
        self._accidents.liquidated += done
        return done

    def _befalls(self, what: str) -> bool:
        """Do it to the first symbol in which there is a position; whether there was one."""
        told = self._run.session.log.stat().st_size
        for symbol in SYMBOLS:
            with _refused() as refusals:
                self._run.admin("POST", what, account=ACCOUNT, symbol=symbol)
            if not refusals:
                self._told_before = told
                return True
        return False

    def _rearm(self) -> bool:
        """A person lets trading go on, once the session has halted over what it has heard."""
        if HALTS not in self._run.session.log.read_bytes()[self._told_before :]:
            return False
        rearm = Program("rearm", self._run.folder, ["rearm"])
        rearm.start()
        if rearm.wait() != 0:
            raise RuntimeError(f"trading was not re-armed: {rearm.tail()}")
        self._accidents.rearmed += 1
        return True


@contextmanager
def _refused() -> Iterator[list[int]]:
    """Collects the refusal of a request: there is nothing to close just now."""
    refusals: list[int] = []
    try:
        yield refusals
    except HTTPError as error:
        refusals.append(error.code)
