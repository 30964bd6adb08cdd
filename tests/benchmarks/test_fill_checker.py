"""The checker of fills finds every planted lie, and nothing in an honest exchange's file."""

from pathlib import Path

import pytest

from benchmarks.fill_checker import check_fills, main
from tests.benchmarks.markets import Exchange, Recording


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """One quote: one unit on each side at 100.0 and 100.1."""
    market = Recording(tmp_path / "market.ws")
    market.quote("100.0", "1.000", "100.1", "1.000")
    return market


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "exchange.db")


def rules(exchange: Exchange, recording: Recording) -> list[str]:
    """The names of what was found, in the order of the trades."""
    return [violation.rule for violation in check_fills(exchange.path, [recording.path]).violations]


def take(exchange: Exchange, recording: Recording, side: str, price: str, quantity: str, line: int) -> None:
    """A market order's fill on the newest book."""
    order = exchange.order(side)
    exchange.take(order, side, price, quantity, update_id=recording.update_id, line=line)


# --- takers ---------------------------------------------------------------------------------------------------


def test_what_the_book_offered_is_no_violation(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.1", "1", line=1)
    take(exchange, recording, "SELL", "100.0", "0.4", line=1)
    take(exchange, recording, "SELL", "100.0", "0.6", line=1)

    report = check_fills(exchange.path, [recording.path])

    assert report.violations == []
    assert (report.book_fills, report.trade_fills, report.frames) == (3, 0, 1)


def test_a_price_that_nobody_offered_is_found(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "99.9", "0.1", line=1)

    assert rules(exchange, recording) == ["price not offered"]


def test_buying_at_the_bid_is_the_wrong_side(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.0", "0.1", line=1)

    assert rules(exchange, recording) == ["wrong side"]


def test_more_than_the_level_showed_is_found(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.1", "1.001", line=1)

    assert rules(exchange, recording) == ["too much quantity"]


def test_a_level_that_did_not_change_is_not_given_twice(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.1", "0.7", line=1)
    line = recording.quote("99.9", "5.000", "100.1", "1.000")
    take(exchange, recording, "BUY", "100.1", "0.7", line=line)

    assert rules(exchange, recording) == ["level taken twice"]


def test_a_level_that_changed_is_a_new_offer(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.1", "0.7", line=1)
    line = recording.quote("100.0", "1.000", "100.1", "0.900")
    take(exchange, recording, "BUY", "100.1", "0.9", line=line)

    assert rules(exchange, recording) == []


def test_a_level_that_changed_and_came_back_is_a_new_offer(recording: Recording, exchange: Exchange):
    take(exchange, recording, "BUY", "100.1", "1", line=1)
    recording.quote("100.0", "1.000", "100.2", "1.000")
    line = recording.quote("100.0", "1.000", "100.1", "1.000")
    take(exchange, recording, "BUY", "100.1", "1", line=line)

    assert rules(exchange, recording) == []


def test_a_fill_beyond_its_limit_is_found(recording: Recording, exchange: Exchange):
    order = exchange.order("BUY", limit="100.0")
    exchange.take(order, "BUY", "100.1", "1", update_id=recording.update_id, line=1)

    assert rules(exchange, recording) == ["beyond the limit"]


def test_a_fill_on_another_update_than_it_says_is_found(recording: Recording, exchange: Exchange):
    order = exchange.order("BUY")
    exchange.take(order, "BUY", "100.1", "1", update_id=recording.update_id + 1, line=1)

    assert rules(exchange, recording) == ["another frame"]


def test_a_frame_that_is_no_book_or_does_not_exist_gives_nothing(recording: Recording, exchange: Exchange):
    line = recording.print(7, "100.1", "1.000", hits_bids=False)
    take(exchange, recording, "BUY", "100.1", "1", line=line)
    take(exchange, recording, "BUY", "100.1", "1", line=99)

    assert rules(exchange, recording) == ["no such frame", "no such frame"]


def test_a_later_trade_cannot_rest_on_an_earlier_book(recording: Recording, exchange: Exchange):
    first_id = recording.update_id
    line = recording.quote("100.0", "1.000", "100.2", "1.000")
    take(exchange, recording, "BUY", "100.2", "1", line=line)
    late = exchange.order("BUY")
    exchange.take(late, "BUY", "100.1", "1", update_id=first_id, line=1)

    assert rules(exchange, recording) == ["time went back"]


def test_a_newer_quote_hides_depth_levels_at_or_better_than_its_own(recording: Recording, exchange: Exchange):
    recording.snapshot([["100.0", "1.000"], ["99.8", "3.000"]], [["100.1", "1.000"], ["100.3", "3.000"]])
    line = recording.quote("100.2", "1.000", "100.3", "0.500")
    take(exchange, recording, "BUY", "100.1", "1", line=line)
    take(exchange, recording, "BUY", "100.3", "3", line=line)
    take(exchange, recording, "SELL", "99.8", "3", line=line)

    assert rules(exchange, recording) == ["price not offered", "too much quantity"]


def test_a_newer_depth_frame_speaks_for_itself(recording: Recording, exchange: Exchange):
    recording.snapshot([["100.0", "1.000"]], [["100.1", "1.000"]])
    line = recording.depth([["100.0", "2.000"]], [["100.1", "0.000"], ["100.2", "4.000"]])
    take(exchange, recording, "BUY", "100.1", "1", line=line)
    take(exchange, recording, "BUY", "100.2", "4", line=line)

    assert rules(exchange, recording) == ["price not offered"]


# --- makers ---------------------------------------------------------------------------------------------------


def rest(exchange: Exchange, recording: Recording, side: str, limit: str) -> int:
    """An order that arrives right after the recording's last line."""
    return exchange.order(side, limit=limit, created_ms=recording.last_ms)


def test_prints_that_passed_the_queue_fill_a_maker(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "100.0")
    recording.print(7, "100.0", "1.000", hits_bids=True)
    line = recording.print(8, "100.0", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=8, line=line)

    report = check_fills(exchange.path, [recording.path])

    assert report.violations == []
    assert (report.book_fills, report.trade_fills) == (0, 1)


def test_a_maker_before_its_queue_is_found(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "100.0")
    recording.print(7, "100.0", "0.900", hits_bids=True)
    line = recording.print(8, "100.0", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=8, line=line)

    assert rules(exchange, recording) == ["maker before queue"]


def test_prints_before_the_order_or_on_the_other_side_do_not_shorten_its_queue(
    recording: Recording, exchange: Exchange
):
    recording.print(6, "100.0", "9.000", hits_bids=True)
    recording.quote("100.0", "1.000", "100.1", "1.000")
    order = rest(exchange, recording, "BUY", "100.0")
    recording.print(7, "100.0", "9.000", hits_bids=False)
    line = recording.print(8, "100.0", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=8, line=line)

    assert rules(exchange, recording) == ["maker before queue"]


def test_a_print_through_the_price_proves_the_queue_gone(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "SELL", "100.1")
    line = recording.print(7, "100.2", "0.500", hits_bids=False)
    exchange.make(order, "SELL", "100.1", "0.5", trade_id=7, line=line)

    assert rules(exchange, recording) == []


def test_a_queue_that_may_have_been_shorter_on_arrival_is_not_held_against_the_exchange(
    recording: Recording, exchange: Exchange
):
    created_ms = recording.now_ms
    recording.quote("100.0", "1.000", "100.1", "1.000")
    recording.lines[-1] = recording.lines[-1].replace('"B": "1.000"', '"B": "0.200"')
    order = exchange.order("BUY", limit="100.0", created_ms=created_ms)
    line = recording.print(7, "100.0", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "100.0", "0.3", trade_id=7, line=line)

    assert rules(exchange, recording) == []


def test_a_print_is_not_shared_out_twice(recording: Recording, exchange: Exchange):
    orders = [rest(exchange, recording, "BUY", "100.0") for _ in range(2)]
    recording.print(7, "99.9", "0.500", hits_bids=True)
    line = recording.print(8, "99.9", "0.500", hits_bids=True)
    for order in orders:
        exchange.make(order, "BUY", "100.0", "0.3", trade_id=8, line=line)

    assert rules(exchange, recording) == ["print over-shared"]


def test_a_buyer_is_not_filled_by_another_buyer(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "100.0")
    line = recording.print(7, "99.9", "0.500", hits_bids=False)
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=7, line=line)

    assert rules(exchange, recording) == ["wrong side"]


def test_a_print_that_did_not_reach_the_limit_fills_nothing(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "99.9")
    line = recording.print(7, "100.0", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "99.9", "0.5", trade_id=7, line=line)

    assert rules(exchange, recording) == ["price not reached"]


def test_a_maker_gets_its_own_price(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "100.0")
    line = recording.print(7, "99.9", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "99.9", "0.5", trade_id=7, line=line)

    assert rules(exchange, recording) == ["not our price"]


def test_a_print_of_another_id_is_found(recording: Recording, exchange: Exchange):
    order = rest(exchange, recording, "BUY", "100.0")
    line = recording.print(7, "99.9", "0.500", hits_bids=True)
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=8, line=line)

    assert rules(exchange, recording) == ["another frame"]


def test_an_order_is_not_filled_before_it_arrived(recording: Recording, exchange: Exchange):
    line = recording.print(7, "99.9", "0.500", hits_bids=True)
    recording.quote("100.0", "1.000", "100.1", "1.000")
    order = rest(exchange, recording, "BUY", "100.0")
    exchange.make(order, "BUY", "100.0", "0.5", trade_id=7, line=line)

    assert rules(exchange, recording) == ["before its arrival"]


# --- the program ----------------------------------------------------------------------------------------------


def test_lines_that_are_no_frames_are_counted_and_passed_over(recording: Recording, exchange: Exchange):
    recording.lines.append("not a frame")
    line = recording.quote("100.0", "1.000", "100.1", "2.000")
    take(exchange, recording, "BUY", "100.1", "2", line=line)

    report = check_fills(exchange.path, [recording.path])

    assert (report.violations, report.skipped, report.frames) == ([], 1, 2)


def test_the_program_prints_every_violation_and_says_so_by_its_exit_code(
    recording: Recording, exchange: Exchange, capsys: pytest.CaptureFixture[str]
):
    take(exchange, recording, "BUY", "99.9", "0.1", line=1)

    code = main([str(exchange.path), str(recording.path)])

    assert code == 1
    assert "trade 1 of BTCUSDT: price not offered" in capsys.readouterr().out
