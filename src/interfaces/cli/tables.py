"""Tables for people: drawn in a terminal, plain columns in a pipe, no colour where NO_COLOR asks for none."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from src.interfaces.cli.texts import signed

PIPE_WIDTH = 1_000
"""Wide enough that nothing is cut or wrapped where no terminal says how much fits."""


def gain(amount: Decimal | None) -> str:
    """An amount with its sign, coloured in a terminal."""
    text = signed(amount)
    if not amount or text == "0.00":
        return text
    return f"[green]{text}[/green]" if amount > 0 else f"[red]{text}[/red]"


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns; a column whose name ends with ``>`` is aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    in_terminal = sys.stdout.isatty()
    console = Console(highlight=False) if in_terminal else Console(highlight=False, width=PIPE_WIDTH)
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if in_terminal else None,
        pad_edge=False,
    )
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", no_wrap=right)
    for row in rows:
        table.add_row(*row)
    console.print(table)
