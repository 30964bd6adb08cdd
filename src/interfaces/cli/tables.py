"""Tables for people: fitted to a terminal, plain columns in a pipe, no colour where NO_COLOR asks for none."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.interfaces.cli.texts import signed

PIPE_WIDTH: Final = 1_000
"""Wide enough that nothing is cut where no terminal says how much fits."""
GAP: Final = 2
LAST_MIN: Final = 12
"""The last column is cut to what is left, but not below this."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style of its own."""

    text: str
    style: str = ""


def gain(amount: Decimal | None) -> Cell:
    """An amount with its sign, coloured in a terminal."""
    text = signed(amount)
    if not amount or text == "0.00":
        return Cell(text)
    return Cell(text, "green" if amount > 0 else "red")


@dataclass(frozen=True, slots=True)
class _Column:
    """``name>`` is aligned to the right, ``name?`` is left out where there is no room for it."""

    name: str
    right: bool
    optional: bool
    cells: list[Cell]

    @staticmethod
    def of(spec: str, cells: list[Cell]) -> "_Column":
        name = spec.rstrip(">?")
        return _Column(name, ">" in spec, "?" in spec, cells)

    @property
    def width(self) -> int:
        return max([len(self.name), *(len(cell.text) for cell in self.cells)])


def print_table(
    title: str, specs: Sequence[str], rows: Iterable[Sequence[str | Cell]], width: int | None = None
) -> None:
    """Print rows under their columns; on a narrow terminal the last optional columns go first.

    ``width`` is that of the terminal; it is found out when it is not given.
    """
    from rich.console import Console
    from rich.text import Text

    if width is None and not sys.stdout.isatty():
        width = PIPE_WIDTH
    console = Console(highlight=False, width=width)
    table = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    columns = [_Column.of(spec, [row[index] for row in table]) for index, spec in enumerate(specs)]
    columns, widths = _fitted(columns, console.width)
    console.print(Text(title, "bold"), soft_wrap=True)
    heads = [Cell(column.name, "dim") for column in columns]
    for cells in (heads, *([column.cells[index] for column in columns] for index in range(len(table)))):
        line = Text()
        for number, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
            text = cell.text if len(cell.text) <= width else f"{cell.text[: width - 1]}…"
            padded = text.rjust(width) if column.right else text.ljust(width)
            line.append(padded if number == len(columns) - 1 else padded + " " * GAP, cell.style)
        line.rstrip()
        console.print(line, soft_wrap=True)


def _fitted(columns: list[_Column], room: int) -> tuple[list[_Column], list[int]]:
    """The columns that fit, and their widths."""
    while _total(columns) > room and any(column.optional for column in columns):
        last = max(index for index, column in enumerate(columns) if column.optional)
        columns = columns[:last] + columns[last + 1 :]
    widths = [column.width for column in columns]
    excess = _total(columns) - room
    if excess > 0:
        widths[-1] = max(min(LAST_MIN, widths[-1]), widths[-1] - excess)
    return columns, widths


def _total(columns: list[_Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
