"""Orders of unknown outcome on the command line: what is shown of the evidence, and how one is released."""

from dataclasses import replace
from decimal import Decimal

from src.application.ports.store import JournalRecord, RecoveryRow
from src.domain.ledger.events import OutcomeDoubted, RecoveryFinished
from src.domain.market.sides import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, Purpose, TimeInForce
from src.infrastructure.persistence.codec import encode
from src.interfaces.cli.errors import ExitCode
from tests.interfaces.cli.conftest import Run
from tests.support.domain_builders import a_ticket
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot

SENT_MS = 1_767_571_200_000
NAME = "abc-0001-0000007-1-1234"


def an_unknown_order(name: str = NAME, **ticket: object) -> Order:
    order = Order(a_ticket(**ticket), Attempt(name, SENT_MS, 5_000), "s", 7, SENT_MS)
    order.attempt_state = AttemptState.UNKNOWN
    order.reason = "no answer"
    return order


def a_fence() -> Order:
    ticket = a_ticket(limit_price=96, purpose=Purpose.FENCE, time_in_force=TimeInForce.GTX)
    order = Order(ticket, Attempt("abc-fence", SENT_MS + 9_000, 5_000), "s", 8, SENT_MS + 9_000)
    order.status, order.attempt_state = OrderStatus.CANCELED, AttemptState.ACKED
    return order


def evidence(seq: int, reads: int) -> JournalRecord:
    doubt = OutcomeDoubted(
        NAME, reads, SENT_MS + 11_000, SENT_MS + 11_000 * reads, SENT_MS + 10_000, SENT_MS + 9_500
    )
    return JournalRecord(seq, SENT_MS, 1, "outcome_doubted", NAME, encode(doubt).decode(), "00", "00")


def test_each_order_of_unknown_outcome_is_shown_with_its_newest_evidence(run: Run, app: FakeApplication):
    known = replace(an_unknown_order("known"), attempt_state=AttemptState.ACKED)
    app.reads.the_orders = [a_fence(), known, an_unknown_order()]
    app.reads.records = [evidence(1, 1), evidence(2, 2)]

    (line,) = run("orders", "--unknown", "--json").document["unknown"]
    shown = run("orders", "--unknown").out

    assert line["client_order_id"] == NAME
    assert (line["reads"], line["last_read_ms"]) == (2, SENT_MS + 22_000)
    assert line["arrives_until_ms"] == SENT_MS + 10_000
    assert (line["fence_ms"], line["fence_id"], line["fence_status"]) == (
        SENT_MS + 9_500,
        "abc-fence",
        "CANCELED",
    )
    assert line["reserved"] == "1"
    assert "recover --release" in shown and "BTCUSDT" in shown


def test_without_evidence_the_deadline_is_shown_and_an_exit_reserves_nothing(run: Run, app: FakeApplication):
    app.reads.the_orders = [an_unknown_order(side=OrderSide.SELL, reduce_only=True, purpose=Purpose.EXIT)]

    (line,) = run("orders", "--unknown", "--json").document["unknown"]

    assert (line["arrives_until_ms"], line["reads"], line["last_read_ms"]) == (SENT_MS + 5_000, 0, None)
    assert Decimal(line["reserved"]) == 0


def test_it_says_when_no_outcome_is_unknown(run: Run):
    assert "no order's outcome is unknown" in run("orders", "--unknown").out


def test_a_running_session_releases_an_order_with_the_reason(run: Run, app: FakeApplication):
    app.reads.the_orders = [an_unknown_order()]
    app.running = a_snapshot()

    done = run("recover", "--release", NAME, "--reason", "seen in the app", "--json")

    assert (done.code, done.document["running"]) == (0, True)
    assert app.asked == [("release", {"client_order_id": NAME, "reason": "seen in the app"})]


def test_without_a_process_the_store_is_told(run: Run, app: FakeApplication):
    app.reads.the_orders = [an_unknown_order(order_type=OrderType.MARKET)]

    done = run("recover", "--release", NAME, "--reason", "seen in the app")

    assert done.code == 0 and NAME in done.out
    assert ("offline release", "acc00001-x", NAME, "seen in the app") in app.asked


def test_a_release_needs_an_order_and_a_reason(run: Run, app: FakeApplication):
    app.reads.the_orders = [an_unknown_order()]

    nobody, silent = run("recover", "--release", "nobody", "--reason", "x"), run("recover", "--release", NAME)

    assert nobody.code == ExitCode.NOT_FOUND and "orders --unknown" in nobody.err
    assert silent.code == ExitCode.CONFIGURATION and "--reason" in silent.err
    assert app.asked == []


def test_the_last_comparison_with_the_exchange_is_shown_in_detail(run: Run, app: FakeApplication):
    app.reads.the_recoveries = [RecoveryRow(SENT_MS, RecoveryFinished("timer", 4, 1, 0, 2, 1, False))]
    app.running = a_snapshot()

    short, detailed = run("status").out, run("status", "--detailed").out
    document = run("status", "--json").document["last_recovery"]

    assert "Last comparison" not in short
    assert (
        "(timer), 4 orders checked, added 1 fills" in detailed
        and "2 unresolved; they differ in 1" in detailed
    )
    assert (document["at_ms"], document["report"]["unresolved"]) == (SENT_MS, 2)
