import re

import pytest

from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.postgres_text import COMPOSED, compose, fits_one_statement, postgres

HEAD = (sql.UPDATE_HEAD, [(1, b"", 1, 1, 1, 1, 1, 1)])


def test_parameters_are_numbered_in_their_order():
    assert postgres("UPDATE t SET a=?,b=? WHERE c=?") == "UPDATE t SET a=$1,b=$2 WHERE c=$3"
    assert postgres("SELECT 1 WHERE a=?2 AND b=?1") == "SELECT 1 WHERE a=$2 AND b=$1"


def test_a_filter_that_may_be_absent_says_its_type():
    assert (
        postgres("SELECT 1 WHERE (? IS NULL OR a=?)") == "SELECT 1 WHERE (CAST($1 AS TEXT) IS NULL OR a=$2)"
    )


def test_text_is_sorted_by_its_bytes_and_numbers_as_numbers():
    text = postgres("SELECT symbol FROM t WHERE symbol=? ORDER BY symbol DESC,trade_id LIMIT ?")

    assert text == 'SELECT symbol FROM t WHERE symbol=$1 ORDER BY symbol COLLATE "C" DESC,trade_id LIMIT $2'


def test_a_commit_of_several_rows_is_one_statement_that_fails_without_the_lease():
    records = [(1, 2, "x"), (3, 4, "y")]
    insert = "INSERT INTO t (a,b,c) VALUES (?,?,?) ON CONFLICT DO NOTHING"

    text, values = compose([(insert, records), HEAD])

    assert text.startswith(
        "WITH part_0 AS (INSERT INTO t (a,b,c) VALUES ($1,$2,$3), ($4,$5,$6) ON CONFLICT DO NOTHING), head AS (UPDATE"
    )
    assert text.endswith("RETURNING 1) SELECT 1/count(*) FROM head")
    assert values == [1, 2, "x", 3, 4, "y", *HEAD[1][0]]
    assert len(set(re.findall(r"\$\d+", text))) == len(values)


@pytest.mark.parametrize(
    "statement", [sql.UPDATE_TICKET, sql.UPDATE_OPTIONS, sql.DELETE_LOTS, "UPDATE t SET a=1"]
)
def test_a_row_that_may_be_written_twice_makes_a_transaction(statement: str):
    assert not fits_one_statement([(statement, [()]), HEAD])


def test_a_large_commit_is_a_transaction():
    assert fits_one_statement([(sql.INSERT_RECORD, [()] * 39), HEAD])
    assert not fits_one_statement([(sql.INSERT_RECORD, [()] * 40), HEAD])


@pytest.mark.parametrize(
    ("table", "statements"),
    [
        # An order is written once in a commit: as new, or as changed.
        ("orders", 3),
        ("sessions", 2),
        ("account", 2),
        ("positions", 1),
        ("lots", 1),
        ("symbols", 1),
        ("wallets", 1),
    ],
)
def test_no_table_is_written_in_more_ways_than_were_thought_through(table: str, statements: int):
    writing = [text for text in COMPOSED if re.match(rf"(INSERT INTO|UPDATE) {table}\b", text)]

    assert len(writing) == statements
