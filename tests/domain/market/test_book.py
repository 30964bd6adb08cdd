"""The overlaid order book, against a slow reference and against nonsense."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.book import OverlayBook

D = Decimal


class Venue:
    """A true book in integer ticks, and the two streams about it: tickers and depth frames."""

    def __init__(self) -> None:
        self.update_id = 100
        self.sides: tuple[dict[int, int], dict[int, int]] = ({98: 5, 99: 3}, {101: 4, 102: 6})
        self.pending: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.first_id = self.update_id + 1
        self.last_depth_id = self.update_id

    def change(self, is_ask: bool, tick: int, quantity: int) -> None:
        """Set a level; a price beyond the opposite best takes what it crosses. No side ever becomes empty."""
        own, other = self.sides[is_ask], self.sides[not is_ask]
        crossed = [t for t in other if quantity and (t <= tick if not is_ask else t >= tick)]
        if len(crossed) == len(other) or (not quantity and set(own) <= {tick}):
            return
        self.update_id += 1
        for t in crossed:
            del other[t]
            self.pending[not is_ask][t] = 0
        if quantity:
            own[tick] = quantity
        else:
            own.pop(tick, None)
        self.pending[is_ask][tick] = quantity

    def ticker(self) -> tuple:
        bid, ask = max(self.sides[0]), min(self.sides[1])
        return (
            "ticker",
            price(bid),
            D(self.sides[0][bid]),
            price(ask),
            D(self.sides[1][ask]),
            self.update_id,
        )

    def depth(self) -> tuple:
        frame = (
            "depth",
            self.first_id,
            self.update_id,
            self.last_depth_id,
            texts(self.pending[0]),
            texts(self.pending[1]),
        )
        self.pending = ({}, {})
        self.last_depth_id = self.update_id
        self.first_id = self.update_id + 1
        return frame

    def snapshot(self) -> tuple:
        return ("snapshot", self.update_id, texts(self.sides[0]), texts(self.sides[1]))


def price(tick: int) -> Decimal:
    return D(tick).scaleb(-1)


def texts(side: dict[int, int]) -> list[tuple[str, str]]:
    return [(f"{price(tick):.2f}", f"{quantity}.000") for tick, quantity in side.items()]


class Reference:
    """The same rules, by sorting everything at every question."""

    def __init__(self) -> None:
        self.depth: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        self.depth_id = 0
        self.top: tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]] | None = None
        self.ticker_id = 0

    def apply(self, kind: str, *frame) -> None:
        if kind == "ticker":
            if frame[4] >= self.ticker_id:
                self.top = (frame[0], frame[1]), (frame[2], frame[3])
                self.ticker_id = frame[4]
            return
        if kind == "snapshot":
            self.depth = ({}, {})
        self.depth_id = frame[0] if kind == "snapshot" else frame[1]
        for side, levels in zip(self.depth, frame[-2:], strict=True):
            for text, quantity in levels:
                side[D(text)] = D(quantity)

    def levels(self, is_ask: bool) -> list[tuple[Decimal, Decimal]]:
        side = sorted(((p, q) for p, q in self.depth[is_ask].items() if q), reverse=not is_ask)
        if self.top is None or self.depth_id > self.ticker_id:
            return side
        best = self.top[is_ask]
        return [best] + [(p, q) for p, q in side if (p > best[0] if is_ask else p < best[0])]


def apply(book: OverlayBook, kind: str, *frame) -> None:
    if kind == "ticker":
        book.apply_ticker(*frame)
    elif kind == "depth":
        book.apply_depth(*frame)
    else:
        book.apply_snapshot(*frame)


changes = st.tuples(st.booleans(), st.integers(90, 110), st.integers(0, 9))


@st.composite
def streams(draw) -> list[tuple]:
    """A snapshot, then tickers and depth frames, each stream in order, the two overtaking each other."""
    venue = Venue()
    first = venue.snapshot()
    tickers: list[tuple] = []
    depths: list[tuple] = []
    for batch in draw(st.lists(st.lists(changes, max_size=5), max_size=12)):
        for change in batch:
            venue.change(*change)
            tickers.append(venue.ticker())
        if venue.update_id > venue.last_depth_id:
            depths.append(venue.depth())
    order = draw(st.permutations([0] * len(tickers) + [1] * len(depths)))
    queues = iter(tickers), iter(depths)
    return [first, *(next(queues[which]) for which in order)]


@given(streams())
def test_the_overlay_is_the_newer_of_ticker_and_depth(frames):
    book, reference = OverlayBook("BTCUSDT"), Reference()

    for frame in frames:
        apply(book, *frame)
        reference.apply(*frame)

        for is_ask in (False, True):
            expected = reference.levels(is_ask)
            assert list(book.levels(is_ask)) == expected
            assert (book.best_ask() if is_ask else book.best_bid()) == expected[0]
        assert reference.levels(is_ask=False)[0] < reference.levels(is_ask=True)[0]


@given(streams(), st.integers(0, 3))
def test_asking_seldom_gives_the_same_as_asking_always(frames, every):
    book, reference = OverlayBook("BTCUSDT"), Reference()

    for number, frame in enumerate(frames):
        apply(book, *frame)
        reference.apply(*frame)
        if number % (every * 5 + 1) == 0:
            book.best_bid()

    assert [list(book.levels(side)) for side in (False, True)] == [
        reference.levels(side) for side in (False, True)
    ]


nonsense = st.one_of(
    st.tuples(
        st.just("ticker"),
        st.integers(90, 110).map(price),
        st.just(D(1)),
        st.integers(90, 110).map(price),
        st.just(D(2)),
        st.integers(1, 30),
    ),
    st.tuples(
        st.just("depth"),
        st.integers(1, 30),
        st.integers(1, 30),
        st.integers(1, 30),
        *[
            st.lists(
                st.tuples(
                    st.integers(90, 110).map(lambda t: f"{price(t):.2f}"), st.sampled_from(["0.000", "1.000"])
                ),
                max_size=6,
            )
        ]
        * 2,
    ),
    st.tuples(
        st.just("snapshot"),
        st.integers(1, 30),
        *[
            st.lists(
                st.tuples(st.integers(90, 110).map(lambda t: f"{price(t):.2f}"), st.just("3.000")), max_size=6
            )
        ]
        * 2,
    ),
)


@given(st.lists(nonsense, max_size=25))
def test_no_sequence_of_frames_makes_it_crossed(frames):
    book = OverlayBook("BTCUSDT")

    for frame in frames:
        apply(book, *frame)

        bid, ask = book.best_bid(), book.best_ask()
        assert bid is None or ask is None or bid[0] < ask[0]
        for is_ask in (False, True):
            prices = [p for p, _ in book.levels(is_ask)]
            assert prices == sorted(set(prices), reverse=not is_ask)


def snapshot_book() -> OverlayBook:
    book = OverlayBook("BTCUSDT")
    book.apply_snapshot(100, [("99.00", "5"), ("98.00", "7")], [("101.00", "4"), ("102.00", "6")])
    return book


def test_the_first_frame_after_a_snapshot_must_span_its_id():
    book = snapshot_book()

    assert book.apply_depth(90, 99, 89, [("99.50", "1")], [])  # older than the snapshot: ignored
    assert book.best_bid() == (D("99.00"), D(5))
    assert book.apply_depth(95, 105, 94, [("99.50", "1")], [])
    assert book.best_bid() == (D("99.50"), D(1))
    assert book.is_whole


def test_a_broken_chain_is_told_and_the_old_levels_are_forgotten():
    book = snapshot_book()
    book.apply_depth(101, 105, 100, [], [])

    assert not book.apply_depth(120, 125, 119, [("97.00", "2")], [("103.00", "2")])

    assert not book.is_whole
    assert list(book.levels(is_ask=False)) == [(D("97.00"), D(2))]
    assert list(book.levels(is_ask=True)) == [(D("103.00"), D(2))]


def test_frames_before_the_snapshot_they_follow_are_kept_for_it():
    book = OverlayBook("BTCUSDT")
    book.apply_depth(80, 99, 79, [("98.00", "9")], [])
    book.apply_depth(100, 104, 99, [("99.50", "1")], [])
    book.apply_depth(105, 110, 104, [], [("101.00", "0")])

    assert book.apply_snapshot(101, [("99.00", "5")], [("101.00", "4"), ("102.00", "6")])

    assert list(book.levels(is_ask=False)) == [(D("99.50"), D(1)), (D("99.00"), D(5))]
    assert list(book.levels(is_ask=True)) == [(D("102.00"), D(6))]
    assert book.update_id == 110


def test_a_snapshot_that_is_too_old_for_the_frames_kept_does_not_make_the_book_whole():
    book = OverlayBook("BTCUSDT")
    book.apply_depth(100, 104, 99, [("99.50", "1")], [])

    assert not book.apply_snapshot(90, [("99.00", "5")], [("101.00", "4")])
    assert not book.is_whole


def test_before_a_snapshot_the_ticker_decides_the_top_even_if_older():
    book = OverlayBook("BTCUSDT")
    book.apply_ticker(D("99.00"), D(1), D("101.00"), D(1), 50)
    book.apply_depth(60, 70, 59, [("99.50", "1"), ("98.00", "2")], [("102.00", "3")])

    assert list(book.levels(is_ask=False)) == [(D("99.00"), D(1)), (D("98.00"), D(2))]


def test_an_older_or_crossed_ticker_is_ignored():
    book = snapshot_book()
    book.apply_ticker(D("99.10"), D(1), D("100.90"), D(1), 110)

    assert not book.apply_ticker(D("99.20"), D(1), D("100.80"), D(1), 109)
    assert not book.apply_ticker(D("100.90"), D(1), D("100.90"), D(1), 111)

    assert book.best_bid() == (D("99.10"), D(1))


def test_a_newer_ticker_removes_levels_it_has_run_over():
    book = snapshot_book()

    book.apply_ticker(D("101.50"), D(2), D("101.60"), D(3), 120)

    assert list(book.levels(is_ask=True)) == [(D("101.60"), D(3)), (D("102.00"), D(6))]
    assert list(book.levels(is_ask=False)) == [(D("101.50"), D(2)), (D("99.00"), D(5)), (D("98.00"), D(7))]


def test_a_walk_takes_levels_from_the_best_outward():
    book = snapshot_book()

    assert book.walk(buy=True, quantity=D(4)) == (D("101.00"), D(4), D("101.00"))
    assert book.walk(buy=True, quantity=D(8)) == (D("101.50"), D(8), D("102.00"))
    assert book.walk(buy=False, quantity=D(100)) == (D(1181) / D(12), D(12), D("98.00"))
    assert OverlayBook("X").walk(buy=True, quantity=D(1)) is None


def test_the_middle_lies_between_the_best_prices():
    assert snapshot_book().mid() == D("100.00")
    assert OverlayBook("X").mid() is None
