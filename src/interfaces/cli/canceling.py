"""Canceling an order, or a parent order: by the process that runs its account's session, else as the one writer."""

from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application, OrderCanceled
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed, ExitCode


def cancel(app: Application, wanted: str | None, order_id: str) -> OrderCanceled:
    """Cancel; raises :class:`CommandFailed` for an order that is not there or is over."""
    account = choose_account(app, wanted, to_change=True)
    reads = app.open_reads()
    try:
        order = reads.order(account.account_id, order_id)
        parent = None if order is not None else reads.parent(account.account_id, order_id)
    finally:
        reads.close()
    if order is None and parent is None:
        raise CommandFailed(
            f"no order {order_id}: `orders --open` lists what can be canceled", ExitCode.NOT_FOUND
        )
    if parent is not None:
        is_over, status, symbol = parent.status.is_over, parent.status.value, parent.ticket.symbol
    else:
        assert order is not None, "one of the two was found"
        is_over, status, symbol = not order.is_open, order.status.value, order.symbol
    if is_over:
        text = f"order {order_id} is {status} already: there is nothing to cancel"
        raise CommandFailed(text, ExitCode.CONFIGURATION)
    try:
        command(app, account.account_id, "cancel", {"client_order_id": order_id})
    except ConnectionRefusedError:
        return app.cancel_order(account.account_id, order_id)
    return OrderCanceled(order_id, symbol, True)
