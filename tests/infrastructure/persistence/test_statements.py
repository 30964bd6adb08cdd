"""The statements are rendered from column names without SQLAlchemy; here they meet its tables."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from src.infrastructure.persistence import statements, tables
from src.infrastructure.persistence.schema import create_sqlite

# Importing them declares them; the bare metadata knows none.
metadata = tables.account.metadata

TEXTS = {
    name: value
    for name, value in vars(statements).items()
    if isinstance(value, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b", value)
}
# SQLite numbers these rows itself.
NUMBERED = {"orders.order_no", "sessions.session_no", "round_trips.trip_no", "account.account_no"}
# Set by the first acquire and the first session.
LATER = {"account.session_id"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_new_database_takes_every_statement(name: str, tmp_path: Path):
    create_sqlite(tmp_path / "new.db")
    text = TEXTS[name]
    numbered = [int(number) for number in re.findall(r"\?(\d)", text)]

    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        plan = file.execute(f"EXPLAIN {text}", (None,) * (max(numbered) if numbered else text.count("?")))

        assert plan.fetchall()


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text.startswith("INSERT")])
def test_an_insert_names_every_column_of_its_table(name: str):
    ((table, columns),) = re.findall(r"INSERT INTO (\w+) \(([^)]*)\) VALUES", TEXTS[name])

    expected = {column.name for column in metadata.tables[table].columns}
    missing = {f"{table}.{column}" for column in expected - set(columns.split(","))}

    assert set(columns.split(",")) <= expected
    assert missing <= NUMBERED | LATER


def test_every_table_is_written_but_those_of_others():
    written = {
        name for name in metadata.tables if any(f"INSERT INTO {name} " in text for text in TEXTS.values())
    }

    assert set(metadata.tables) - written == {"outbox_cursor"}


def test_an_order_update_leaves_ticket_and_attempt_alone():
    fixed = {*statements.TICKET.columns, *statements.ATTEMPT.columns, "session_id", "intent", "created_ms"}

    changed = set(re.findall(r"(\w+)=\?", statements.UPDATE_ORDER_AND_ID.partition("WHERE")[0]))

    assert not changed & fixed
    assert changed | fixed == {*statements.ORDER_COLUMNS, "settled"}


def test_the_common_update_of_an_order_touches_no_index():
    indexed = {column.name for index in metadata.tables["orders"].indexes for column in index.columns}

    changed = set(re.findall(r"(\w+)=\?", statements.UPDATE_ORDER.partition("WHERE")[0]))

    assert indexed == {"exchange_order_id"}
    assert not changed & indexed


@pytest.mark.parametrize("name", ["SELECT_UNSETTLED", "SELECT_NEWEST_ORDERS"])
def test_what_a_start_reads_of_the_orders_is_found_by_their_number_and_sorted_already(
    name: str, tmp_path: Path
):
    create_sqlite(tmp_path / "new.db")

    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        text = TEXTS[name]
        plan = file.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?")).fetchall()

    (step,) = (row[-1] for row in plan)
    assert "INTEGER PRIMARY KEY" in step
