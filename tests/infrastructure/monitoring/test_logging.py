"""Logs: one JSON object a line, no secret in any of them, and no failure that reaches the caller."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.events import AlarmRaised, Event, FillBooked
from src.domain.market.sides import OrderSide, PositionSide
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.monitoring.log_file import LOOK_AFTER_S, LogFile
from src.infrastructure.monitoring.logging import (
    PROGRAM,
    TRADES,
    configure_logging,
    log_session,
    log_to_terminal,
)
from src.infrastructure.monitoring.masking import MASK, SecretMasker

SECRET = "vX9-hunter2-qQ"
LOG = logging.getLogger("steadyhand.test")


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    names = (None, PROGRAM, TRADES)
    before = [(logging.getLogger(n).level, logging.getLogger(n).handlers[:]) for n in names]
    yield
    for name, (level, handlers) in zip(names, before, strict=True):
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if each not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
    logging.getLogger(TRADES).propagate = True
    logging.getLogger(TRADES).disabled = False


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_a_json_object_with_time_level_logger_event_and_fields(tmp_path: Path):
    configure_logging(tmp_path, "INFO")

    LOG.info("order %s sent", "x-1", extra={"symbol": "BTCUSDT", "price": Decimal("61000.10")})
    LOG.debug("too much")

    (line,) = lines(tmp_path / "logs" / "steadyhand.log")
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "steadyhand.test",
        "event": "order x-1 sent",
        "symbol": "BTCUSDT",
        "price": "61000.10",
    }


def test_no_secret_is_written_wherever_it_stands(tmp_path: Path):
    configure_logging(tmp_path, "INFO", [SECRET])

    LOG.info("key is %s", SECRET, extra={"api_key": "abc-key", "inner": [{"password": "pw-1", "ok": SECRET}]})
    LOG.info(
        "GET /order?symbol=A&signature=0af9 and {'listenKey': 'lk-77'} at db://user:pw-2@host",
        extra={"b": {1, SECRET}},
    )
    try:
        raise ValueError(f"refused: secret=s3cr3t-4 {SECRET}")
    except ValueError:
        LOG.exception("failed")

    text = (tmp_path / "logs" / "steadyhand.log").read_text()
    for hidden in (SECRET, "abc-key", "pw-1", "pw-2", "0af9", "lk-77", "s3cr3t-4"):
        assert hidden not in text
    assert "symbol=A" in text and "user:" in text and "ValueError" in text


@given(
    words=st.lists(st.text(st.characters(exclude_characters=MASK), max_size=8)),
    secret=st.text("abcXYZ019-/+=", min_size=6),
)
def test_a_registered_value_never_survives_and_everything_else_does(words: list[str], secret: str):
    masker = SecretMasker([secret])

    masked = masker.text(secret.join(["", *words, ""]))

    assert secret not in masked
    assert not words or masked.count(MASK) >= 1


def test_the_exceptions_of_other_libraries_are_logged_too(tmp_path: Path):
    configure_logging(tmp_path, "ERROR")

    logging.getLogger("asyncio").error("Task exception was never retrieved")
    logging.getLogger("asyncio").info("noise")

    assert [line["event"] for line in lines(tmp_path / "logs" / "steadyhand.log")] == [
        "Task exception was never retrieved"
    ]


async def test_a_session_is_followed_and_its_fills_have_a_file_of_their_own(tmp_path: Path):
    configure_logging(tmp_path, "INFO", log_trades=True)
    bus = InProcessEventBus()
    log_session(bus)
    fill = FillBooked(
        "x-1", "BTCUSDT", 7, 70, OrderSide.BUY, PositionSide.BOTH, Decimal("61000"), Decimal("0.010"),
        Decimal(0), Decimal("0.305"), "USDT", False, 1_000, "sma_cross",
    )  # fmt: skip

    bus.publish("order.filled", fill)
    bus.publish("alarm.raised", AlarmRaised("disk", "nearly full"))
    await bus.drain()

    (traded,) = lines(tmp_path / "logs" / "trading" / "trades.log")
    (alarm,) = lines(tmp_path / "logs" / "steadyhand.log")
    assert (traded["event"], traded["side"], traded["price"]) == ("order.filled", "BUY", "61000")
    assert (alarm["event"], alarm["level"], alarm["text"]) == ("alarm.raised", "error", "nearly full")


def test_the_fields_of_every_followed_event_fit_into_a_record():
    taken = set(logging.makeLogRecord({}).__dict__)

    assert all(taken.isdisjoint(field.name for field in fields(kind)) for kind in get_args(Event))


def test_without_log_trades_there_is_no_trades_log(tmp_path: Path):
    configure_logging(tmp_path, "INFO", log_trades=False)

    logging.getLogger(TRADES).info("fill")

    assert not (tmp_path / "logs").exists()


def test_a_folder_that_cannot_be_written_never_reaches_the_caller(tmp_path: Path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    file = configure_logging(tmp_path, "INFO")

    LOG.info("lost")

    assert file.dropped == 1


def test_a_message_that_cannot_be_rendered_never_reaches_the_caller(tmp_path: Path):
    file = configure_logging(tmp_path, "INFO")

    # Straight to the file: pytest's own handler of the same logger would raise.
    file.handle(logging.LogRecord("steadyhand.test", logging.INFO, "", 0, "%d orders", ("no number",), None))
    LOG.info("goes on")

    assert file.dropped == 1
    assert [line["event"] for line in lines(tmp_path / "logs" / "steadyhand.log")] == ["goes on"]


def test_what_json_has_no_words_for_is_written_all_the_same(tmp_path: Path):
    file = configure_logging(tmp_path, "INFO")

    LOG.info("odd", extra={"huge": 2**70, "keys": {(1, 2): 3.5, 4: None}, "path": Path("a/b"), "many": {7}})

    (line,) = lines(tmp_path / "logs" / "steadyhand.log")
    assert file.dropped == 0
    assert line["huge"] == 2**70 and line["path"] == "a/b"


def test_a_text_that_has_no_bytes_is_written_all_the_same(tmp_path: Path):
    file = configure_logging(tmp_path, "INFO")

    LOG.info("half a pair: \ud800")

    assert file.dropped == 0
    assert "half a pair: \\ud800" in (tmp_path / "logs" / "steadyhand.log").read_text()


def test_a_log_that_somebody_moves_is_begun_anew(tmp_path: Path):
    configure_logging(tmp_path, "INFO")
    path = tmp_path / "logs" / "steadyhand.log"

    LOG.info("before")
    path.rename(tmp_path / "moved.log")
    LOG.info("at once")
    time.sleep(LOOK_AFTER_S)
    LOG.info("after")

    assert [line["event"] for line in lines(tmp_path / "moved.log")] == ["before", "at once"]
    assert [line["event"] for line in lines(path)] == ["after"]


def test_the_logs_stay_within_their_bounds_and_two_writers_lose_nothing_that_is_kept(tmp_path: Path):
    path = tmp_path / "steadyhand.log"
    writers = [LogFile(path, max_bytes=2_000, kept=3) for _ in range(2)]

    for number in range(200):
        record = logging.makeLogRecord({"msg": f"{number:>50}", "created": number * LOOK_AFTER_S})
        writers[number % 2].emit(record)

    files = [path.with_name(f"{path.name}.{number}") for number in (3, 2, 1)] + [path]
    kept = [int(line) for file in files if file.exists() for line in file.read_text().splitlines()]
    assert kept == list(range(200 - len(kept), 200))
    assert all(file.stat().st_size < 2_200 for file in files)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "steadyhand.lock", "steadyhand.log", "steadyhand.log.1", "steadyhand.log.2", "steadyhand.log.3",
    ]  # fmt: skip
    for writer in writers:
        writer.close()


def test_a_server_shows_its_log_on_the_terminal_in_plain_lines(capsys: pytest.CaptureFixture[str]):
    log_to_terminal("INFO")

    LOG.debug("too much")
    LOG.warning("market.unknown", extra={"symbol": "BTCUSDT", "book_age_ms": 5_012})
    logging.getLogger("another.program").warning("noise")

    moment, *rest = capsys.readouterr().out.split()
    assert len(moment) == len("12:00:00Z")
    assert rest == ["market.unknown", "symbol=BTCUSDT", "book_age_ms=5012"]
