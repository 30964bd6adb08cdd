"""The driver of a store whose database is elsewhere: it writes down what is to be run, to be sent together."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.driver import Params
from src.infrastructure.persistence.postgres_text import INSERT_NUMBERED_ORDER, Operation


class Recorder:
    """What :class:`Projection` needs of a driver; nothing happens before :meth:`take`.

    Numbers of orders come from ``numbers``, drawn from the database in advance and in rising order. ``known`` answers
    the one question that a projection asks: the row number and the stored exchange id of an order by its name.
    """

    __slots__ = ("_operations", "known", "last_row", "numbers")

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        self.known: dict[str, tuple[Any, ...]] = {}
        self.last_row = 0
        self._operations: list[Operation] = []

    def execute(self, sql_text: str, params: Params = ()) -> int:
        """Note one statement; it is taken to change one row, which the database checks for the last one."""
        if sql_text is sql.INSERT_ORDER:
            self.last_row = self.numbers.popleft()
            sql_text, params = INSERT_NUMBERED_ORDER, (self.last_row, *params)
        self._operations.append((sql_text, [params]))
        return 1

    def executemany(self, sql_text: str, rows: Iterable[Params]) -> None:
        """Note one statement for several rows."""
        self._operations.append((sql_text, list(rows)))

    def query(self, sql_text: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The row number of a known order; nothing else is ever asked while a commit is written down."""
        _, client_order_id = params
        return [self.known[client_order_id]]

    def take(self) -> list[Operation]:
        """Everything noted since the last call."""
        operations, self._operations = self._operations, []
        self.known.clear()
        return operations
