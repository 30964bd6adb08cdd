"""One side of a depth book, kept as text and read as numbers only when somebody asks.

A depth frame changes some seventy levels and comes hundreds of times a second, while the few prices near the top
are read now and then. So levels go into a dict at C speed as the wire spells them, deleted ones (quantity zero)
stay until the next clean-up, and order is kept in a list of sortable spellings that only new prices touch.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Final, TypeAlias

Level: TypeAlias = tuple[Decimal, Decimal]
"""(price in quote asset per base asset, quantity in base asset)"""

_ZERO: Final = Decimal(0)
_ZERO_SPELLINGS: Final = frozenset("0." + "0" * count for count in range(19)) | {"0"}
_WIDTH: Final = 20
_NEW_PRICES_MAX: Final = 2_000
_CHANGES_MAX: Final = 8


def _number(text: str) -> Decimal:
    """The positive finite number that a text spells, or zero when it spells none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return _ZERO
    return value if value.is_finite() and value > _ZERO else _ZERO


def _decimals_of(text: str) -> int:
    point = text.find(".")
    return 0 if point < 0 else len(text) - point - 1


def _is_plain(text: str) -> bool:
    """Whether a number is spelled by nothing but digits and a point, and does not begin with a zero."""
    return text[0] > "0" and text.isascii() and text.replace(".", "", 1).isdigit()


def _sort_key(price: str) -> str:
    """A text that sorts as the price does: the integer part padded to one width."""
    return price.rjust(_WIDTH + len(price) - len(price.partition(".")[0]))


class Ladder:
    """The bids or the asks of a depth book.

    ``best`` after a change is found from the best price known before it: a better one can only be among the levels
    changed since; when the known one is gone, the next stands behind it in the sorted list.
    """

    __slots__ = (
        "_changes",
        "_decimals",
        "_is_ask",
        "_keys",
        "_known_best",
        "_levels",
        "_new_prices",
        "_uniform",
    )

    def __init__(self, is_ask: bool) -> None:
        self._is_ask = is_ask
        self._levels: dict[str, str] = {}
        self._keys: list[str] | None = None
        self._decimals = -1
        self._uniform = True
        self._new_prices = 0
        self._known_best: Decimal | None = None
        self._changes: list[Sequence[tuple[str, str]]] = []

    def __len__(self) -> int:
        """How many prices are remembered, deleted ones included."""
        return len(self._levels)

    def clear(self) -> None:
        """Forget every level."""
        self._levels = {}
        self._keys = None
        self._new_prices = 0
        self.forget_best()

    def update(self, levels: Sequence[tuple[str, str]]) -> None:
        """Set the quantities of the given prices; zero removes a level."""
        book = self._levels
        count = len(book)
        book.update(levels)
        fresh = len(book) - count
        if fresh:
            # A dict keeps the order of insertion, so the new prices are its last ones.
            prices = list(islice(reversed(book), fresh))
            if not self._admit(prices):
                self._respell(prices, levels)
        if self._known_best is not None:
            self._changes.append(levels)
            if len(self._changes) > _CHANGES_MAX:
                self.forget_best()

    def assume_best(self, price: Decimal) -> None:
        """Take it from a better informed source that no live level was better than ``price`` until now."""
        self._known_best = price
        if self._changes:
            self._changes = []

    def forget_best(self) -> None:
        """Look for the best level among all of them next time."""
        self._known_best = None
        if self._changes:
            self._changes = []

    def best(self) -> Level | None:
        """The best level, or None when there is none."""
        known = self._known_best
        level = None
        if known is not None:
            level = self._better_than(known) or self._at(known)
        if level is None:
            level = next(self.beyond(known), None)
        if level is not None:
            self.assume_best(level[0])
        return level

    def beyond(self, price: Decimal | None) -> Iterator[Level]:
        """Live levels strictly worse than ``price`` (None: all), best first."""
        keys = self._sorted_keys()
        levels = self._levels
        ordered: Iterator[str]
        if self._is_ask:
            start = 0 if price is None else bisect_right(keys, _sort_key(self._spell(price)))
            ordered = islice(keys, start, None)
        else:
            stop = len(keys) if price is None else bisect_left(keys, _sort_key(self._spell(price)))
            ordered = map(keys.__getitem__, range(stop - 1, -1, -1))
        for key in ordered:
            text = key.lstrip()
            quantity_text = levels[text]
            if quantity_text not in _ZERO_SPELLINGS and (quantity := _number(quantity_text)):
                yield Decimal(text), quantity

    def _at(self, price: Decimal) -> Level | None:
        quantity = _number(self._levels.get(self._spell(price), "0"))
        return (price, quantity) if quantity else None

    def _better_than(self, price: Decimal) -> Level | None:
        """The best live level among the changed ones, if better than ``price``."""
        text = self._spell(price)
        length = len(text)
        levels = self._levels
        comparable = self._uniform and _decimals_of(text) == self._decimals
        found = None
        for change in self._changes:
            if not comparable:
                candidates = [p for p, _ in change]
            elif self._is_ask:
                candidates = [p for p, _ in change if p < text or len(p) < length]
            else:
                candidates = [p for p, _ in change if p > text or len(p) > length]
            for candidate in candidates:
                number = _number(candidate)
                if not number or not (number < price if self._is_ask else number > price):
                    continue
                quantity = _number(levels.get(self._spell(number), "0"))
                if quantity:
                    found = (number, quantity)
                    price = number
        return found

    def _spell(self, price: Decimal) -> str:
        """The one spelling of a price in this ladder: no fewer decimals than usual, no zeros beyond them."""
        text = format(price, "f")
        usual = self._decimals
        decimals = _decimals_of(text)
        if decimals == usual or usual < 0:
            return text
        if decimals < usual:
            return (text if decimals else text + ".") + "0" * (usual - decimals)
        whole, _, fraction = text.partition(".")
        fraction = fraction[:usual] + fraction[usual:].rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole

    def _admit(self, prices: list[str]) -> bool:
        """Look once at prices never seen before; return whether each is a price in its one spelling."""
        for text in prices:
            number = _number(text)
            if not number:
                return False
            decimals = _decimals_of(text)
            if self._decimals < 0:
                self._decimals = decimals
            if decimals == self._decimals and _is_plain(text):
                continue
            if self._spell(number) != text:
                return False
            self._uniform = self._uniform and decimals == self._decimals
        if self._keys is not None:
            for text in prices:
                insort(self._keys, _sort_key(text))
        self._new_prices += len(prices)
        if self._new_prices > _NEW_PRICES_MAX:
            self._drop_deleted()
        return True

    def _respell(self, prices: list[str], levels: Sequence[tuple[str, str]]) -> None:
        """Undo the entry of new prices and enter the levels again, each in its one spelling."""
        for text in prices:
            del self._levels[text]
        for text, quantity in levels:
            if number := _number(text):
                spelling = self._spell(number)
                self._uniform = self._uniform and _decimals_of(spelling) == self._decimals
                self._levels[spelling] = quantity
        self._keys = None
        self.forget_best()

    def _drop_deleted(self) -> None:
        self._levels = {p: q for p, q in self._levels.items() if q not in _ZERO_SPELLINGS}
        self._keys = None
        self._new_prices = 0

    def _sorted_keys(self) -> list[str]:
        if self._keys is None:
            self._keys = sorted(map(_sort_key, self._levels))
        return self._keys
