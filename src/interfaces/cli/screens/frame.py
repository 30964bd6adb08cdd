"""One picture of the live view as lines of coloured words, made for a screen of any size.

Pure and quick, since the session's own loop draws it: no tables that measure themselves, only columns of fixed
width. What does not fit is left out from the least important end: closed orders first, then further markets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from textwrap import wrap
from typing import Final

from src.application.trading.snapshot import MarketLine, OrderLine, PositionLine, SessionSnapshot
from src.interfaces.cli.texts import age, clock, moment, money, percent, price, quantity, short_id, signed
from src.interfaces.cli.units import spelled_duration

Word = tuple[str, str]
"""A text and the name of its style: plain, dim, title, good, bad, warning, badge, or extra: dim, all of it or none."""
Line = list[Word]

_BLOCK_MIN: Final = 3
"""Lines of a block that are worth having: title, head and one row."""
_CENT: Final = Decimal("0.01")
STALE_MS: Final = 5_000
_LOUD: Final = {"RUNNING": "good", "ACTIVE": "good", "PAUSED": "warning", "REDUCE_ONLY": "warning"}
_HELD: Final = "{:<10} {:<5} {:>9} {:>10} {:>10}"
_GUARDS: Final = ("{:>9}", "{:>10}", "{:>9}")
_ORDERS: Final = "{:<8} {:<10} {:<4} {:>9} {:>11}  {:<16} {:<9}"
_MARKETS: Final = "{:<10} {:>12} {:>12} {:>7}  "
_PURPOSES: Final = {"PROTECTIVE_STOP": "stop", "PROTECTIVE_TARGET": "target"}


@dataclass(frozen=True, slots=True)
class Run:
    """What the screen knows of this run beside the session: wall time so far and the speed asked for.

    ``differences`` is what the last comparison with the exchange has found; empty where it agreed.
    """

    elapsed_ms: int
    speed: Decimal | None
    differences: str = ""


def frame(snapshot: SessionSnapshot, run: Run, width: int, height: int) -> list[Line]:
    """The picture, at most ``height`` lines of at most ``width`` columns."""
    top = _header(snapshot, run, width)
    bottom = _bottom(snapshot, run, width, 2 if height >= 20 else 1)
    room = height - len(top) - len(bottom)
    blocks = [
        (
            "Positions",
            _POSITION_HEAD,
            [_position(line) for line in snapshot.positions],
            "no position is open",
        ),
        ("Markets", _MARKET_HEAD, [_market(line) for line in snapshot.markets], "no market yet"),
        ("Last orders", _ORDER_HEAD, [_order(line) for line in snapshot.orders], "no order yet"),
    ][: room // _BLOCK_MIN]
    shares = _shares(room, [len(rows) for _, _, rows, _ in blocks])
    body = [
        line
        for (title, head, rows, empty), share in zip(blocks, shares, strict=True)
        for line in _block(title, head, rows, share, width, empty)
    ]
    padding: list[Line] = [[] for _ in range(max(0, room - len(body)))]
    lines = [*top, *body[: max(0, room)], *padding, *bottom]
    return [_cut(line, width) for line in lines[:height]]


def _shares(room: int, wanted: list[int]) -> list[int]:
    """Lines for the rows of each block, after title and head; every block gets one before any gets more."""
    room -= 2 * len(wanted)
    shares = [0] * len(wanted)
    while room > 0:
        hungry = [index for index, share in enumerate(shares) if share < max(1, wanted[index])]
        if not hungry:
            break
        for index in hungry[:room]:
            shares[index] += 1
            room -= 1
    return shares


def _block(title: str, head: str, rows: list[Line], share: int, width: int, empty: str) -> Iterable[Line]:
    hidden = len(rows) - share
    more = f"{len(rows)} " if hidden <= 0 and rows else f"{share} of {len(rows)} " if rows else ""
    label = f"─ {title} {more}"
    yield [(label, "title"), ("─" * max(0, width - len(label)), "dim")]
    if not rows:
        yield [(f" {empty}", "dim")]
        return
    yield [(f" {head}", "dim")]
    yield from rows[:share]


def _header(snapshot: SessionSnapshot, run: Run, width: int) -> list[Line]:
    state = snapshot.trading_state
    left: Line = [
        (f" {snapshot.exchange.upper()} ", "badge"),
        (f" {snapshot.status}", _LOUD.get(snapshot.status, "bad")),
        (f"  {state}", _LOUD.get(state, "bad")),
        ("" if snapshot.synced else "  SYNCING", "warning"),
        (f"  {snapshot.trading_reason}" if state != "ACTIVE" else "", "plain"),
    ]
    speed = "max" if run.speed is None else f"{run.speed:f}x"
    # What is the session's own stands with its name; all money is the account's, over all of its sessions.
    about: Line = [
        (
            f" session {short_id(snapshot.session_id)}{' (resumed)' if snapshot.resumed else ''}  "
            f"drawdown {percent(snapshot.max_drawdown)}  trades {snapshot.total_trades} "
            f"({snapshot.winning_trades} won)",
            "dim",
        ),
        (f"  {snapshot.market}", "dim"),
    ]
    pace = f"{spelled_duration(run.elapsed_ms)} at {speed} "
    change = snapshot.equity - snapshot.capital
    share = change / snapshot.capital if snapshot.capital else None
    other = snapshot.other_income
    return [
        _spread(left, [(f"{moment(snapshot.now_ms)} ", "plain")], width),
        _spread(_cut(about, width - len(pace) - 1), [(pace, "dim")], width),
        [
            (f" Equity {money(snapshot.equity)} ", "plain"),
            (f"{signed(change)} ({'+' if change > 0 else ''}{percent(share)})", tone(change)),
            ("   today ", "dim"),
            (signed(snapshot.day_pnl), tone(snapshot.day_pnl)),
        ],
        [
            (" realized ", "dim"),
            (signed(snapshot.realized_pnl), tone(snapshot.realized_pnl)),
            ("  open ", "dim"),
            (signed(snapshot.unrealized_pnl), tone(snapshot.unrealized_pnl)),
            ("  fees ", "dim"),
            (signed(-snapshot.commission), "plain"),
            ("  funding ", "dim"),
            (signed(snapshot.funding), "plain"),
            ("  other " if other else "", "dim"),
            (signed(other) if other else "", tone(other)),
        ],
    ]


def _bottom(snapshot: SessionSnapshot, run: Run, width: int, why_lines: int) -> list[Line]:
    texts = (*snapshot.alarms[-2:], *([run.differences] if run.differences else ()))
    alarms: list[Line] = [[(f" ! {text}", "bad")] for text in texts]
    keys = " Ctrl-C stops: entries are canceled, positions keep their stops"
    counts = f"{snapshot.frames:,} frames, {snapshot.orders_sent} orders "
    return [
        [("─" * width, "dim")],
        *_why(snapshot.why_not, width, why_lines),
        *alarms,
        _spread([(keys, "dim")], [(counts, "dim")], width),
    ]


def _why(text: str, width: int, lines: int) -> list[Line]:
    """The reason for what was or was not done, over as many lines as there are."""
    label = " Why: "
    room = max(10, width - len(label))
    parts = wrap(text, room) or [""]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], f"{parts[lines - 1][: room - 2]} …"]
    return [
        [(label if not number else " " * len(label), "title"), (part, "plain")]
        for number, part in enumerate(parts)
    ]


_POSITION_HEAD: Final = " ".join(
    [
        _HELD.format("symbol", "side", "quantity", "entry", "mark"),
        *(width.format(name) for width, name in zip(_GUARDS, ("P&L", "stop", "target"), strict=True)),
    ]
)
_ORDER_HEAD: Final = _ORDERS.format("time", "symbol", "side", "quantity", "price", "status", "purpose")
_MARKET_HEAD: Final = _MARKETS.format("symbol", "bid", "ask", "age") + "data"


def _position(line: PositionLine) -> Line:
    side = "long" if line.quantity > 0 else "short"
    held = _HELD.format(
        line.symbol, side, quantity(abs(line.quantity)), price(line.entry_price), price(line.mark_price)
    )
    pnl, stop, target = _GUARDS
    # A position without its stop is the one thing that must catch the eye.
    naked = line.stop_price is None
    return [
        (f" {held} ", "plain"),
        (pnl.format(signed(line.unrealized_pnl)), tone(line.unrealized_pnl)),
        (f" {stop.format('NO STOP' if naked else price(line.stop_price))}", "bad" if naked else "plain"),
        (f" {target.format(price(line.target_price))}", "plain"),
        (f"  {line.strategy_id}", "extra"),
    ]


def _order(line: OrderLine) -> Line:
    at = line.average_price if line.average_price is not None else line.price
    text = _ORDERS.format(
        clock(line.created_ms),
        line.symbol,
        line.side,
        quantity(line.quantity),
        "market" if at is None else price(at),
        line.status,
        _PURPOSES.get(line.purpose, line.purpose.lower()),
    )
    unknown = [(" outcome unknown", "warning")] if line.attempt_state == "UNKNOWN" else []
    style = {"FILLED": "plain", "REJECTED": "bad", "DENIED": "bad"}.get(line.status, "dim")
    return [(f" {text}", style), *unknown, (f"  {line.strategy_id}", "extra")]


def _market(line: MarketLine) -> Line:
    stale = line.age_ms is None or line.age_ms > STALE_MS
    return [
        (f" {_MARKETS.format(line.symbol, price(line.bid), price(line.ask), age(line.age_ms))}", "plain"),
        (line.trouble, "warning") if line.trouble else ("stale", "warning") if stale else ("good", "good"),
        (f"  {', '.join(line.strategies)}", "dim"),
    ]


def tone(amount: Decimal | None) -> str:
    """The style of a gain or a loss; what is shown as 0.00 is neither."""
    if amount is None or abs(amount) < _CENT / 2:
        return "plain"
    return "good" if amount > 0 else "bad"


def _spread(left: Line, right: Line, width: int) -> Line:
    """Left and right aligned words in one line; on a narrow screen the right ones give way."""
    used = sum(len(text) for text, _ in (*left, *right))
    return [*left, (" " * (width - used), "plain"), *right] if used < width else left


def _cut(line: Line, width: int) -> Line:
    """The line within the width, its end marked where something is missing."""
    kept: Line = []
    for text, style in line:
        if len(text) > width:
            if style == "extra":
                return kept
            kept.append((text[: max(0, width - 1)] + "…" if width else "", style))
            return kept
        kept.append((text, style))
        width -= len(text)
    return kept
