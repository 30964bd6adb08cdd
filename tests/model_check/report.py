"""Traces and results in words."""

from collections.abc import Iterator

from tests.model_check.cases import result_of
from tests.model_check.policies import POLICIES
from tests.model_check.search import Result, Trace
from tests.model_check.world import Move


def table() -> Iterator[str]:
    """Yield the results of all policies as the rows of a Markdown table."""
    yield "| Policy | Rule | States | Result |"
    yield "|---|---|---:|---|"
    for name, policy in POLICIES.items():
        result = result_of(name)
        yield f"| {name} | {policy.summary} | {result.states} | {verdict(result)} |"


def verdict(result: Result) -> str:
    """Name the violations with the lengths of their shortest traces."""
    return (
        ", ".join(
            f"{kind.name.replace('_', ' ')} in {len(trace)} steps" for kind, trace in result.traces.items()
        )
        or "safe"
    )


def stories(result: Result) -> Iterator[str]:
    """Yield the shortest trace to every violation, one line a step."""
    for kind, trace in result.traces.items():
        yield ""
        yield f"{kind.name.replace('_', ' ')}: {kind.value}"
        yield from _story(trace)


def _story(trace: Trace) -> Iterator[str]:
    tick = 0
    for number, (move, state) in enumerate(trace, start=1):
        actor, _ = move.action.value
        yield f"{number:3}  tick {tick}  {actor:<9}{_words(move)}"
        tick = state.tick


def _words(move: Move) -> str:
    _, text = move.action.value
    return text.format(order=f"order {move.attempt + 1}")
