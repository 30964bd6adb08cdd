"""The side journal: durable record by record, of one size for ever, readable up to whatever was torn."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.application.ports.failpoints import install_hook
from src.application.ports.side_journal import SideJournalBusy, SideJournalError, SideJournalFull
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import AttemptTrigger
from src.domain.orders.types import Purpose
from src.infrastructure.persistence.codec import encode
from src.infrastructure.persistence.side_blocks import BLOCK_SIZE, PAYLOAD_MAX, block_of, read_block
from src.infrastructure.persistence.side_journal import (
    BLOCKS,
    HEADERS,
    FileSideJournal,
    SideHeader,
    ensure,
    side_journal_path,
    side_journals,
)
from tests.crash.faults import small_disk
from tests.support.domain_builders import START_MS, an_exit

ACCOUNT = "20084ca7-f424-4f72-914d-c5ae88c8ea65"
HEADER = SideHeader(ACCOUNT, "testnet", "abc")
SIZE = BLOCKS * BLOCK_SIZE


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[FileSideJournal]:
    """A new one, claimed."""
    with closing(ensure(tmp_path, HEADER)) as made:
        made.claim()
        yield made


def path_of(folder: Path) -> Path:
    return side_journal_path(folder, ACCOUNT)


def again(folder: Path) -> FileSideJournal:
    return FileSideJournal(path_of(folder))


def an_order(number: int = 1, reason: str = "get out") -> EmergencyOrder:
    ticket = an_exit(quantity=Decimal("0.01"), purpose=Purpose.EMERGENCY, reason=reason)
    return EmergencyOrder(ticket, Attempt(emergency_order_id("abc", START_MS, number), START_MS, 5_000))


def accepted(order: EmergencyOrder) -> EmergencyOrder:
    return replace(order, trigger=AttemptTrigger.ACCEPTED, exchange_order_id=77)


def written(journal: FileSideJournal, count: int) -> list[EmergencyOrder]:
    """So many orders, each with its outcome."""
    orders = []
    for _ in range(count):
        order = an_order(journal.next_number)
        journal.append(order)
        journal.append(accepted(order))
        orders.append(accepted(order))
    return orders


# --- what is written is there ---------------------------------------------------------------------------------


def test_a_new_one_is_as_large_as_it_will_ever_be_and_holds_nothing(tmp_path: Path):
    with closing(ensure(tmp_path, HEADER)) as journal:
        assert journal.header == HEADER
        assert not journal.has_records()
        assert journal.read().orders == ()
    assert path_of(tmp_path).stat().st_size == SIZE
    assert path_of(tmp_path).stat().st_blocks * 512 >= SIZE
    assert side_journals(tmp_path) == [path_of(tmp_path)]


def test_each_order_is_read_back_once_with_the_newest_that_is_known_of_it(
    journal: FileSideJournal, tmp_path: Path
):
    first, second = an_order(1), an_order(2)
    journal.append(first)
    journal.append(second)
    journal.append(accepted(first))

    with closing(again(tmp_path)) as reader:
        assert reader.has_records()
        assert reader.read().orders == (accepted(first), second)
        assert reader.read().records == 3


def test_numbers_go_on_over_processes_and_retirements(journal: FileSideJournal, tmp_path: Path):
    written(journal, 2)
    journal.close()

    with closing(again(tmp_path)) as second:
        records = second.claim()
        assert second.next_number == 5
        assert second.retire(records)
        assert second.next_number == 5
    with closing(again(tmp_path)) as third:
        assert (third.claim().orders, third.next_number) == ((), 5)
        assert written(third, 1) == list(third.read().orders)


def test_the_longest_record_that_an_emergency_can_make_has_room():
    symbol, quantity = "1000000MOGUSDT_261225", Decimal("123456789.12345678")
    loud = replace(
        accepted(an_order(36**5 - 1, '"' * 100)),
        ticket=an_exit(symbol=symbol, quantity=quantity, reason='"' * 100),
        code=-2022,
        reason='"' * 100,
        exchange_order_id=2**63,
    )

    assert len(encode(loud)) <= PAYLOAD_MAX


# --- never larger than it is ----------------------------------------------------------------------------------


def test_a_full_one_takes_no_order_but_still_every_outcome(journal: FileSideJournal, tmp_path: Path):
    orders = []
    with pytest.raises(SideJournalFull, match="start a session"):
        for number in range(BLOCKS):
            journal.append(an_order(number + 1))
            orders.append(an_order(number + 1))
    assert len(orders) == (BLOCKS - HEADERS) // 2

    for order in orders:
        journal.append(accepted(order))

    assert path_of(tmp_path).stat().st_size == SIZE
    assert journal.read().orders == tuple(map(accepted, orders))
    assert journal.retire(journal.read())
    assert written(journal, 3) == list(journal.read().orders)


def test_a_full_disk_does_not_matter(tmp_path: Path):
    try:
        with small_disk(tmp_path / "disk", "1m") as _:
            journal = ensure(tmp_path / "disk", HEADER)
            with (tmp_path / "disk" / "filler").open("wb", buffering=0) as filler:
                with pytest.raises(OSError) as full:
                    while True:
                        filler.write(b"x" * 4096)
                assert full.value.errno == errno.ENOSPC
            with closing(journal):
                journal.claim()
                orders = written(journal, 100)
                assert journal.read().orders == tuple(orders)
                assert journal.retire(journal.read())
    except PermissionError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")


def test_a_disk_that_is_full_already_is_not_filled_further(tmp_path: Path):
    try:
        with small_disk(tmp_path / "disk", "256k") as _:
            with pytest.raises(SideJournalError, match="No space left on device"):
                ensure(tmp_path / "disk", HEADER)
            assert list((tmp_path / "disk" / "emergency").iterdir()) == []
    except PermissionError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")


def test_one_that_cannot_be_made_says_so_in_one_line_and_leaves_none(tmp_path: Path):
    (tmp_path / "emergency").write_text("a file where the folder should be")

    with pytest.raises(SideJournalError, match="cannot make 20084ca7"):
        ensure(tmp_path, HEADER)


# --- torn and damaged -----------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.data())
def test_whatever_is_torn_of_the_last_record_those_before_it_are_read(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("torn")
    count = data.draw(st.integers(0, 6), label="whole orders")
    with closing(ensure(folder, HEADER)) as journal:
        journal.claim()
        whole = written(journal, count)
        before = path_of(folder).read_bytes()
        journal.append(an_order(journal.next_number))
        after = path_of(folder).read_bytes()
    place = (HEADERS + 2 * count) * BLOCK_SIZE
    cut = data.draw(st.integers(0, BLOCK_SIZE - 1), label="bytes that reached the disk")
    torn = after[: place + cut] + before[place + cut :]
    path_of(folder).write_bytes(torn)

    with closing(again(folder)) as reader:
        read = reader.read()
        assert (list(read.orders), read.records, read.damage) == (whole, 2 * count, "")
        assert reader.claim().records == 2 * count
        assert written(reader, 1) + whole == [reader.read().orders[-1], *whole]


@settings(max_examples=200)
@given(st.data())
def test_any_changed_byte_loses_no_other_record_and_never_goes_unnoticed_before_the_last(
    tmp_path_factory, data
):
    folder = tmp_path_factory.mktemp("changed")
    with closing(ensure(folder, HEADER)) as journal:
        journal.claim()
        for number in range(1, 6):
            journal.append(an_order(number))
    whole = path_of(folder).read_bytes()
    record = data.draw(st.integers(0, 4), label="record")
    place = (HEADERS + record) * BLOCK_SIZE + data.draw(st.integers(0, BLOCK_SIZE - 1), label="byte")
    flip = data.draw(st.integers(1, 255), label="flip")
    path_of(folder).write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])

    with closing(again(folder)) as reader:
        read = reader.read()
    left = [order for order in map(an_order, range(1, 6)) if order != an_order(record + 1)]
    assert list(read.orders) == left
    assert bool(read.damage) is (record < 4)


def test_a_first_record_that_became_blank_does_not_hide_the_others(journal: FileSideJournal, tmp_path: Path):
    _, second = written(journal, 2)
    with path_of(tmp_path).open("r+b") as file:
        os.pwrite(file.fileno(), bytes(2 * BLOCK_SIZE), HEADERS * BLOCK_SIZE)
    assert journal.has_records()
    assert journal.read().orders == (second,)


def test_a_damaged_one_is_still_written_and_goes_on_saying_so(journal: FileSideJournal, tmp_path: Path):
    written(journal, 2)
    with path_of(tmp_path).open("r+b") as file:
        file.seek((HEADERS + 1) * BLOCK_SIZE + 100)
        file.write(b"?")
    journal.close()

    with closing(again(tmp_path)) as second:
        assert second.claim().damage == "record 2 cannot be read, and 2 follow it"
        written(second, 1)
        assert second.read().damage == "record 2 cannot be read, and 4 follow it"
        assert second.read().records == 6


@pytest.mark.parametrize("slot", range(HEADERS))
def test_a_torn_retirement_leaves_the_records_as_they_were(
    slot: int, journal: FileSideJournal, tmp_path: Path
):
    for _ in range(slot):
        # The next header goes into the other slot.
        assert journal.retire(journal.read())
    orders = written(journal, 2)
    next_slot = (slot + 1) % HEADERS
    before = path_of(tmp_path).read_bytes()[next_slot * BLOCK_SIZE :][:BLOCK_SIZE]
    journal.retire(journal.read())
    with path_of(tmp_path).open("r+b") as file:
        file.seek(next_slot * BLOCK_SIZE + 512)
        file.write(before[512:])
    journal.close()

    with closing(again(tmp_path)) as reader:
        assert list(reader.read().orders) == orders


@pytest.mark.parametrize("content", [b"", b"x" * SIZE, b"\0" * SIZE, b"\0" * (SIZE - 1)])
def test_a_file_that_is_none_is_refused_in_one_line(content: bytes, journal: FileSideJournal, tmp_path: Path):
    path_of(tmp_path).write_bytes(content)

    with pytest.raises(SideJournalError, match="move it out of the data folder"):
        again(tmp_path)


def test_a_file_that_was_cut_is_refused_rather_than_grown(journal: FileSideJournal, tmp_path: Path):
    os.truncate(path_of(tmp_path), SIZE - BLOCK_SIZE)

    with pytest.raises(SideJournalError, match="cannot be read"):
        again(tmp_path)


@given(st.binary(max_size=PAYLOAD_MAX), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_block_is_read_as_it_was_written(payload: bytes, generation: int, number: int):
    block = block_of(generation, number, payload, b"before")

    assert read_block(block.data) == block
    assert block.follows(b"before") and not block.follows(b"another")


# --- who may write --------------------------------------------------------------------------------------------


def test_two_emergencies_do_not_write_at_once(journal: FileSideJournal, tmp_path: Path):
    with closing(again(tmp_path)) as second, pytest.raises(SideJournalBusy, match="at work"):
        second.claim()


def test_nothing_is_retired_while_an_emergency_is_at_work(journal: FileSideJournal, tmp_path: Path):
    orders = written(journal, 1)
    with closing(again(tmp_path)) as session:
        assert not session.retire(session.read())
        journal.close()
        assert session.retire(session.read())
        assert not session.has_records()
    assert orders


def test_what_was_written_after_the_read_is_not_retired(journal: FileSideJournal, tmp_path: Path):
    written(journal, 1)
    with closing(again(tmp_path)) as session:
        read = session.read()
        later = written(journal, 1)
        journal.close()

        assert not session.retire(read)
        assert session.read().orders[-1:] == tuple(later)


def test_a_session_that_has_it_open_sees_what_an_emergency_writes_later(tmp_path: Path):
    with closing(ensure(tmp_path, HEADER)) as session:
        with closing(again(tmp_path)) as emergency:
            emergency.claim()
            orders = written(emergency, 1)
        assert session.has_records()
        assert list(session.read().orders) == orders


# --- whose it is ----------------------------------------------------------------------------------------------


def test_that_of_another_account_is_refused(journal: FileSideJournal, tmp_path: Path):
    other = replace(HEADER, account_id=ACCOUNT[:8] + "-another")

    with pytest.raises(SideJournalError, match="another account"):
        ensure(tmp_path, other)


def test_that_of_a_database_that_is_gone_is_set_aside(journal: FileSideJournal, tmp_path: Path):
    written(journal, 1)
    journal.close()

    with closing(ensure(tmp_path, replace(HEADER, namespace="xyz"))) as made:
        assert (made.header.namespace, made.has_records()) == ("xyz", False)
    assert path_of(tmp_path).with_suffix(".abc").exists()
    assert side_journals(tmp_path) == [path_of(tmp_path)]


def test_an_empty_one_of_a_database_that_is_gone_leaves_nothing_behind(
    journal: FileSideJournal, tmp_path: Path
):
    journal.close()

    ensure(tmp_path, replace(HEADER, namespace="xyz")).close()

    assert list(path_of(tmp_path).parent.iterdir()) == [path_of(tmp_path)]


def test_two_processes_that_make_it_at_once_have_the_same_file(tmp_path: Path):
    def the_other(name: str) -> None:
        if name == "side_journal.made":
            install_hook(None)
            opened.append(ensure(tmp_path, HEADER))

    opened: list[FileSideJournal] = []
    install_hook(the_other)
    try:
        opened.append(ensure(tmp_path, HEADER))
    finally:
        install_hook(None)

    first, second = opened
    with closing(first), closing(second):
        first.claim()
        written(first, 1)
        assert second.has_records()
    assert [path.name for path in path_of(tmp_path).parent.iterdir()] == [path_of(tmp_path).name]


def test_a_disk_that_became_read_only_takes_no_order_and_says_so(tmp_path: Path):
    try:
        with small_disk(tmp_path / "disk", "1m") as remount:
            ensure(tmp_path / "disk", HEADER).close()
            remount("ro")

            with pytest.raises(
                SideJournalError, match=r"\(Read-only file system\): make the data folder writable"
            ):
                again(tmp_path / "disk")
    except PermissionError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
