"""The one question that is asked before money is at stake, and before everything is closed."""

from collections.abc import Callable

from src.interfaces.cli.composition import ConfigurationError, LivePlan


def confirm_live(plan: LivePlan, is_terminal: bool, ask: Callable[[str], str]) -> None:
    """Say what is about to happen and go on only if the sentence asked for is typed; raises ConfigurationError."""
    if not is_terminal:
        raise ConfigurationError("live trading is confirmed by a person: start it from a terminal")
    sentence = f"trade live {plan.account}"
    print(
        f"LIVE  account {plan.account}: {', '.join(plan.symbols)}, leverage {plan.leverage}x; opening ends at a "
        f"loss of {plan.daily_loss_pct_max:.2%} of equity in a day or {plan.drawdown_pct_max:.2%} from its peak"
    )
    if not is_typed(sentence, ask):
        raise ConfigurationError("not confirmed: nothing was started")


def is_typed(sentence: str, ask: Callable[[str], str]) -> bool:
    """Whether somebody, asked for this sentence, types it; the end of the input is a no."""
    try:
        typed = ask(f"Type '{sentence}' to go on: ")
    except EOFError:
        return False
    return typed.strip() == sentence
