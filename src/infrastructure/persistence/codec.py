"""Canonical JSON of events: one event has exactly one spelling, so that equal histories have equal hashes.

UTF-8, no spaces, keys sorted, amounts as text in their canonical spelling, enums by value, tuples as arrays. It is
what ``json.dumps(…, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`` writes, from a closure per field
that is made once per class. Keys are sorted so that the bytes do not depend on the order in which a class declares
its fields. A lone surrogate, which UTF-8 cannot carry, is written as its JSON escape.
"""

import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from src.domain.ledger.events import Event, FillBooked, ModifyMoved, OrderIntended
from src.domain.ledger.evolve import EVENT_TYPES
from src.domain.money import canonical
from src.domain.orders.parents import ParentTicket
from src.domain.orders.ticket import OrderTicket
from src.domain.sessions.session import SessionOptions
from src.infrastructure.persistence.intent_json import intent_json, is_usual

T = TypeVar("T")
ToJson = Callable[[Any], str]

# Fields that came after journals were written without them. They are left out while they have their default, so
# that an old history keeps its bytes and hashes, and a new one pays nothing for what it does not use.
LATER_FIELDS: Final[dict[type, frozenset[str]]] = {
    FillBooked: frozenset({"margin_asset", "position_cost"}),
    ModifyMoved: frozenset({"at_ms"}),
    OrderTicket: frozenset(
        {"close_position", "good_till_ms", "activation_price", "callback_pct", "parent_id"}
    ),
    ParentTicket: frozenset({"keeps"}),
    SessionOptions: frozenset({"hedge_mode", "margin_type", "leverages", "trailing_stop_pct"}),
}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _optional(inner: ToJson) -> ToJson:
    return lambda value: "null" if value is None else inner(value)


def _array(inner: ToJson) -> ToJson:
    return lambda values: f"[{','.join([inner(value) for value in values])}]"


def _tuple(inners: tuple[ToJson, ...]) -> ToJson:
    return lambda values: f"[{','.join([inner(v) for inner, v in zip(inners, values, strict=True)])}]"


def _enum(value: StrEnum) -> str:
    return f'"{value}"'


def _amount(value: Decimal) -> str:
    return f'"{canonical(value)}"'


def _text(value: str) -> str:
    if type(value) is str:
        try:
            # The same escapes as json's, sooner: a raw event has some hundred characters.
            return _text_to_json(value).decode()
        except UnicodeEncodeError:
            pass  # a lone surrogate, which json lets through
    return encode_basestring(value)  # which refuses what is no text


_text_to_json: Final = msgspec.json.Encoder().encode
_SCALARS: dict[Any, ToJson] = {str: _text, int: str, bool: _truth, Decimal: _amount}


def _to_json(hint: Any) -> ToJson:
    """The writer of one type; TypeError for a type that events may not have."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        return _optional(_to_json(next(argument for argument in arguments if argument is not NoneType)))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return _array(_to_json(arguments[0]))
        return _tuple(tuple(_to_json(argument) for argument in arguments))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum
    if is_dataclass(hint):
        return _object(hint)
    raise TypeError(f"the journal has no spelling for {hint}")


def _flatten(
    cls: Any, prefix: str, paths: list[str], writers: list[ToJson | None], omit: frozenset[str]
) -> str:
    """Collect the dotted paths and writers of a class and what it nests; return its template.

    Whole numbers and enums need no writer: the template itself spells them. ``omit`` are paths to leave out.
    """
    hints = get_type_hints(cls)
    parts = []
    for name in sorted(field.name for field in fields(cls)):
        hint = hints[name]
        if prefix + name in omit:
            continue
        if is_dataclass(hint):
            parts.append(f'"{name}":{_flatten(hint, f"{prefix}{name}.", paths, writers, omit)}')
            continue
        paths.append(prefix + name)
        is_enum = isinstance(hint, type) and issubclass(hint, StrEnum)
        writers.append(None if is_enum or hint is int else _to_json(hint))
        parts.append(f'"{name}":"%s"' if is_enum else f'"{name}":%s')
    return "{" + ",".join(parts) + "}"


def _later(cls: Any, prefix: str = "") -> dict[str, Any]:
    """The dotted paths of a class's later fields and of those of what it nests, with their defaults."""
    hints = get_type_hints(cls)
    names = LATER_FIELDS.get(cls, frozenset())
    found = {prefix + field.name: field.default for field in fields(cls) if field.name in names}
    for field in fields(cls):
        if is_dataclass(hints[field.name]):
            found |= _later(hints[field.name], f"{prefix}{field.name}.")
    return found


def _object(cls: Any) -> ToJson:
    """The writer of a class: one template for the usual case, others for the later fields that are not default."""
    later = _later(cls)
    usual = _object_without(cls, frozenset(later))
    if not later:
        return usual
    paths, defaults = tuple(later), tuple(later.values())
    # A second name makes attrgetter return a tuple also for a class with one field.
    read = attrgetter(*paths, paths[0])
    usual_values = (*defaults, defaults[0])
    others: dict[frozenset[str], ToJson] = {}

    def write(value: Any) -> str:
        values = read(value)
        if values == usual_values:
            return usual(value)
        absent = frozenset(
            path for path, is_, default in zip(paths, values, defaults, strict=False) if is_ == default
        )
        writer = others.get(absent)
        if writer is None:
            writer = others[absent] = _object_without(cls, absent)
        return writer(value)

    return write


def _object_without(cls: Any, omit: frozenset[str]) -> ToJson:
    paths: list[str] = []
    writers: list[ToJson | None] = []
    template = _flatten(cls, "", paths, writers, omit)
    # A second name makes attrgetter return a tuple also for a class with one field.
    read = attrgetter(*paths, paths[0])
    template += "%.0s"
    written = tuple((place, writer) for place, writer in enumerate(writers) if writer is not None)

    def write(value: Any) -> str:
        parts = list(read(value))
        for place, writer in written:
            parts[place] = writer(parts[place])
        return template % tuple(parts)

    return write


def snake_case(name: str) -> str:
    """``OrderIntended`` → ``order_intended``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


KINDS: dict[type, str] = {cls: snake_case(cls.__name__) for cls in EVENT_TYPES}
_CLASSES = {kind: cls for cls, kind in KINDS.items()}
_WRITERS: dict[type, ToJson] = {}
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}


def encode(value: object) -> bytes:
    """The canonical JSON of an event, or of another frozen dataclass of the same kinds of field."""
    cls = type(value)
    if isinstance(value, OrderIntended) and is_usual(value.ticket):
        try:
            return intent_json(value)
        except UnicodeEncodeError:
            pass  # a lone surrogate, which the general writer escapes
    writer = _WRITERS.get(cls)
    if writer is None:
        writer = _WRITERS[cls] = _object(cls)
    return writer(value).encode("utf-8", "backslashreplace")


def decode(kind: str, payload: bytes | str) -> Event:
    """The event of a journal record. Raises KeyError for an unknown kind, ValueError for a bad payload."""
    return decode_as(_CLASSES[kind], payload)


def decode_as(cls: type[T], payload: bytes | str) -> T:
    """The object that :func:`encode` wrote. Raises ValueError when it cannot be read."""
    reader = _DECODERS.get(cls)
    if reader is None:
        reader = _DECODERS[cls] = msgspec.json.Decoder(cls)
    try:
        value: T = reader.decode(payload)
    except msgspec.DecodeError:
        # The one thing that we write and msgspec does not read is the escape of a lone surrogate.
        if b"\\ud" not in (payload.encode() if isinstance(payload, str) else payload):
            raise
        return msgspec.convert(json.loads(payload), type=cls)
    return value


def _order(event: Any) -> str:
    key: str = event.client_order_id or event.symbol
    return key


_NO_KEY = ""
_KEY_FIELDS = (
    "parent_id",
    "session_id",
    "subject",
    "symbol",
    "cause",
    "account_id",
    "stream_epoch",
    "day",
    "epoch",
)


def _key_reader(cls: type) -> Callable[[Any], str]:
    names = {field.name for field in fields(cls)}
    if "attempt" in names:
        return attrgetter("attempt.client_order_id")
    if "client_order_id" in names:
        return _order if "symbol" in names else attrgetter("client_order_id")
    if "transaction_id" in names:
        return lambda event: str(event.transaction_id)
    name = next((name for name in _KEY_FIELDS if name in names), None)
    if name is None:
        return lambda event: _NO_KEY
    read = attrgetter(name)
    return lambda event: str(read(event))


_KEYS: dict[type, Callable[[Any], str]] = {cls: _key_reader(cls) for cls in EVENT_TYPES}


def key_of(event: Event) -> str:
    """What the record is about: the client order id, else the symbol, session, transaction … or nothing."""
    return _KEYS[type(event)](event)
