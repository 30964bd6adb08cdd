"""How an object of the domain becomes a row of plain SQLite values, and back.

One reader and one writer per column, chosen from the type hints once per class: amounts as canonical text, enums
by value, truth as 0 and 1, sets of numbers comma-separated. None stays None.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from src.domain.money import canonical

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
Convert = Callable[[Any], Any]


def _numbers_to_text(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers))) if numbers else ""


def _text_to_numbers(text: str) -> set[int]:
    return set(map(int, text.split(","))) if text else set()


_WRITERS: dict[Any, Convert] = {Decimal: canonical, bool: int, set[int]: _numbers_to_text}
_READERS: dict[Any, Convert] = {Decimal: Decimal, bool: bool, set[int]: _text_to_numbers}


def _may_be_none(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _plain(hint: Any) -> Any:
    """The type without its None."""
    if get_origin(hint) in (Union, UnionType):
        return next(argument for argument in get_args(hint) if argument is not NoneType)
    return hint


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    kind = _plain(hint)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        # sqlite3 binds exact str only quickly; a subclass goes through its adapters.
        return str.__str__, {member.value: member for member in kind}.__getitem__
    return _WRITERS.get(kind), _READERS.get(kind)


class RowMap(Generic[T]):
    """The columns of a dataclass, in the order of its fields; ``leave_out`` names fields that are no columns.

    ``rename`` gives a field another name as a column.
    """

    __slots__ = (
        "_cls",
        "_get",
        "_is_in_order",
        "_names",
        "_optional_readers",
        "_optional_writers",
        "_readers",
        "_writers",
        "columns",
        "width",
    )

    def __init__(
        self, cls: type[T], *, leave_out: Sequence[str] = (), rename: Mapping[str, str] | None = None
    ) -> None:
        hints = get_type_hints(cls)
        names = [field.name for field in fields(cls) if field.name not in leave_out]
        converters = [_converters(hints[name]) for name in names]
        self._cls: Callable[..., T] = cls
        # Whether a row is the first fields in their order: arguments by place are quicker than by name.
        self._is_in_order = names == [field.name for field in fields(cls)][: len(names)]
        self._names = names
        self._get = attrgetter(*names)
        writers = [(i, write) for i, (write, _) in enumerate(converters) if write is not None]
        readers = [(i, read) for i, (_, read) in enumerate(converters) if read is not None]
        # Only of these is asked whether there is a value: most columns always have one.
        optional = {i for i, name in enumerate(names) if _may_be_none(hints[name])}
        self._writers = tuple(one for one in writers if one[0] not in optional)
        self._optional_writers = tuple(one for one in writers if one[0] in optional)
        self._readers = tuple(one for one in readers if one[0] not in optional)
        self._optional_readers = tuple(one for one in readers if one[0] in optional)
        self.columns = tuple((rename or {}).get(name, name) for name in names)
        self.width = len(names)

    def row(self, value: T) -> list[Any]:
        """The values of the columns."""
        values = list(self._get(value))
        for i, write in self._writers:
            values[i] = write(values[i])
        for i, write in self._optional_writers:
            part = values[i]
            if part is not None:
                values[i] = write(part)
        return values

    def build(self, row: Sequence[Any], **left_out: Any) -> T:
        """The object of a row. Raises KeyError, ValueError, TypeError or ArithmeticError for what cannot be read."""
        values = list(row)
        for i, read in self._readers:
            values[i] = read(values[i])
        for i, read in self._optional_readers:
            part = values[i]
            if part is not None:
                values[i] = read(part)
        if self._is_in_order and len(values) == self.width and not left_out:
            return self._cls(*values)
        return self._cls(**dict(zip(self._names, values, strict=True)), **left_out)
