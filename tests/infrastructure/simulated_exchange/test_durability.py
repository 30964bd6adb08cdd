"""Commit, then act: what left the exchange is in its file, and the file is enough to go on."""

import sqlite3
from contextlib import nullcontext
from pathlib import Path

import pytest

from src.infrastructure.simulated_exchange import store
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeFailure, ExchangeStopped, NewerSchema
from src.infrastructure.simulated_exchange.store import ExchangeStore
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument
from tests.support.full_disk import no_file_beyond
from tests.support.sqlite_pages import overwrite_root


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Kills at the named boundary, once armed."""

    def __init__(self) -> None:
        self.at = ""

    def __call__(self, name: str) -> None:
        if name == self.at:
            raise Killed(name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exchange.sqlite"


def busy_engine(path: Path, killer: Killer) -> tuple[Engine, Frames]:
    """A position, a resting order in a queue, a waiting stop, a taken level, a dead-man switch."""
    engine = an_engine(path, failpoint=killer, cursor=lambda: "line 7")
    frames = Frames()
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    engine.new_order(ACCOUNT, a_request(engine, price="76000.00", quantity="1"))
    engine.on_frame(frames.trade("76000.00", "0.5"))
    stop = a_request(engine, side="SELL", trigger_price="75000", reduce_only=True, client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, stop)
    engine.countdown_cancel_all(ACCOUNT, BTC, 60_000)
    return engine, frames


def everything(engine: Engine) -> list:
    return [
        engine.memory(),
        engine.open_orders(ACCOUNT),
        engine.open_algo_orders(ACCOUNT),
        engine.user_trades(ACCOUNT, BTC),
        engine.income(ACCOUNT),
        engine.balance(ACCOUNT),
    ]


def test_an_engine_opened_again_is_the_engine_that_was(path: Path):
    engine, _ = busy_engine(path, Killer())

    assert everything(an_engine(path)) == everything(engine)
    assert an_engine(path).committed_cursor == "line 7"
    assert an_engine(path).account_id(ACCOUNT) == "paper-1"


def test_both_go_on_alike(path: Path):
    _, frames = busy_engine(path, Killer())
    again = an_engine(path)
    again.warm(frames.ticker("76000.00", "76000.10", "2", "2"))

    frame = frames.trade("76000.00", "2")
    again.on_frame(frame)
    theirs = again.user_trades(ACCOUNT, BTC)[-1]
    assert (theirs["price"], theirs["qty"]) == ("76000", "0.5")
    assert again.on_frame(frames.trade("74000.00", "1", buyer_is_maker=False)) is True
    assert again.query_algo_order(ACCOUNT, client_algo_id="s-1")["algoStatus"] == "FINISHED"


@pytest.mark.parametrize(
    ("boundary", "survives"), [("exchange.before_commit", 0), ("exchange.after_commit", 1)]
)
def test_a_kill_around_the_commit_loses_or_keeps_the_whole_request(path: Path, boundary: str, survives: int):
    killer = Killer()
    engine, _ = busy_engine(path, killer)
    before = len(engine.user_trades(ACCOUNT, BTC))
    engine.take_events()
    killer.at = boundary

    with pytest.raises(Killed):
        engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-9"))

    assert engine.take_events() == []
    again = an_engine(path)
    assert len(again.user_trades(ACCOUNT, BTC)) == before + survives
    assert all(line.holds for line in again.audit())


def test_after_a_failed_commit_the_engine_answers_no_more(path: Path):
    killer = Killer()
    engine, frames = busy_engine(path, killer)
    killer.at = "exchange.before_commit"
    with pytest.raises(Killed):
        engine.new_order(ACCOUNT, a_request(engine))
    killer.at = ""

    with pytest.raises(ExchangeStopped):
        engine.balance(ACCOUNT)
    with pytest.raises(ExchangeStopped):
        engine.on_frame(frames.ticker("76000.00", "76000.10"))


def test_numbers_are_never_given_twice(path: Path):
    engine, _ = busy_engine(path, Killer())
    stream = engine.open_stream(ACCOUNT)
    order = engine.new_order(ACCOUNT, a_request(engine))["orderId"]
    event = engine.take_events()[-1].number

    again = an_engine(path)
    again.on_frame(Frames(start_ms=again.now_ms).ticker("76000.00", "76000.10"))
    assert again.open_stream(ACCOUNT) == stream + 1
    assert again.new_order(ACCOUNT, a_request(again))["orderId"] == order + 1
    assert again.take_events()[0].number == event + 1


def test_frames_that_change_nothing_commit_nothing():
    commits: list[str] = []
    engine = an_engine(failpoint=commits.append)
    frames = Frames()
    commits.clear()

    engine.on_frame(frames.snapshot([("76000.00", "1")], [("76000.10", "1")]))
    engine.on_frame(frames.ticker("76000.00", "76000.10"))
    engine.on_frame(frames.depth([("75999.90", "1")], []))
    engine.on_frame(frames.trade("76000.00", "1"))
    engine.on_frame(frames.mark("76000"))

    assert commits == []


def test_one_request_is_one_commit():
    commits: list[str] = []
    engine = an_engine(failpoint=commits.append)
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))
    commits.clear()

    engine.new_order(ACCOUNT, a_request(engine))

    assert commits == ["exchange.before_commit", "exchange.after_commit"]


def test_a_checkpoint_stores_how_far_the_market_was_read(path: Path):
    place = ["start"]
    engine = an_engine(path, cursor=lambda: place[0])
    place[0] = "line 9"
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))

    engine.checkpoint()

    again = an_engine(path)
    assert (again.committed_cursor, again.now_ms) == ("line 9", engine.now_ms)


def test_engine_time_never_goes_back():
    engine = an_engine()
    frames = Frames()
    frames.now_ms -= 5000

    engine.on_frame(frames.ticker("76000.00", "76000.10"))
    assert engine.now_ms == frames.now_ms + 4999
    engine.advance_time(5)
    assert engine.now_ms == frames.now_ms + 4999


def test_a_file_of_a_newer_program_is_refused(path: Path):
    an_engine(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(NewerSchema, match="schema 99"):
        ExchangeStore(path)


@pytest.mark.parametrize(("table", "refused"), [("state", True), ("postings", False)])
def test_of_a_large_file_only_the_memory_is_looked_at_when_it_is_opened(
    table: str, refused: bool, path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "PAGES_CHECKED", 0)
    an_engine(path)
    overwrite_root(path, table)

    with pytest.raises(ExchangeFailure, match="malformed") if refused else nullcontext():
        ExchangeStore(path).close()


def test_a_folder_in_the_place_of_the_file_is_named(path: Path):
    path.mkdir()

    with pytest.raises(ExchangeFailure, match=r"exchange\.sqlite: .*: move away what is in its place"):
        ExchangeStore(path)


def test_a_disk_without_room_for_the_index_of_the_log_is_called_full(path: Path):
    ExchangeStore(path).close()

    with no_file_beyond(1_024), pytest.raises(ExchangeFailure, match="free some space"):
        ExchangeStore(path)


def test_a_file_with_a_position_in_an_unknown_symbol_is_refused(path: Path):
    busy_engine(path, Killer())

    with pytest.raises(ExchangeFailure, match=BTC):
        an_engine(path, an_instrument("ETHUSDT"))


def test_closed_orders_are_read_from_the_file():
    engine = an_engine()
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))
    answer = engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-1"))

    found = engine.query_order(ACCOUNT, BTC, order_id=answer["orderId"])
    assert (found["status"], found["avgPrice"], found["cumQuote"]) == ("FILLED", "76000.1", "760.001")
    assert engine.query_order(ACCOUNT, BTC, client_order_id="c-1") == found


def test_trades_are_paged_by_id():
    engine = an_engine()
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))
    for _ in range(5):
        engine.new_order(ACCOUNT, a_request(engine))

    page = engine.user_trades(ACCOUNT, BTC, limit=3)
    rest = engine.user_trades(ACCOUNT, BTC, from_id=page[-1]["id"] + 1)
    assert [row["id"] for row in page + rest] == [1, 2, 3, 4, 5]
    assert engine.user_trades(ACCOUNT, BTC, from_id=6) == []
