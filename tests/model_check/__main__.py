"""Print the table of all policies, or the shortest traces of one of them."""

import argparse
from collections.abc import Iterator, Sequence

from tests.model_check.cases import result_of
from tests.model_check.policies import POLICIES
from tests.model_check.report import stories, table, verdict


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.model_check")
    parser.add_argument("--policy", choices=tuple(POLICIES), help="show its traces")
    name: str | None = parser.parse_args(arguments).policy
    print(*(table() if name is None else _one(name)), sep="\n")


def _one(name: str) -> Iterator[str]:
    result = result_of(name)
    yield f"{name}: {POLICIES[name].summary}"
    yield f"{result.states} states, {result.transitions} steps: {verdict(result)}"
    yield from stories(result)


if __name__ == "__main__":
    main()
