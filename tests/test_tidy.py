"""The rules of the house that a linter cannot say, as tests; each message names the place and the way out.

Older debts stand in the two tables below and may only shrink. A new file or function gets no line there:
split the file into a package of the same import path, and the function into steps that have names.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"

FILE_LIMIT = 300
FUNCTION_LIMIT = 50
TEST_FILE_LIMIT = 400
# To extend, only for a debt that will be paid, with the reason in the commit: "path": lines it may have.
FILE_DEBT: dict[str, int] = {}
# The same for functions: "path::Class.function": lines it may have.
FUNCTION_DEBT: dict[str, int] = {}

# Ports with no adapter of their own file name, and why.
PORTS_ELSEWHERE = {
    "broker": "one adapter per venue: brokers/binance_futures_broker.py and brokers/paper_broker.py",
    "failpoints": "a hook that only tests fill",
}

# What the domain may not take even from the standard library: input and output, clocks, chance, concurrency.
IMPURE_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "select", "signal", "subprocess", "threading"),
    *(
        "glob",
        "http",
        "io",
        "logging",
        "os",
        "pathlib",
        "shutil",
        "socket",
        "sqlite3",
        "sys",
        "tempfile",
        "urllib",
    ),
    *("random", "secrets", "time"),
}
IMPURE_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval", "compile", "__import__"}

MACHINE_PATH = re.compile(r"(?<![\w.)}~$-])/(?:work|root|Users|home/\w+)/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|--(?:extra-)?index-url[ =]")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
SILENCED = re.compile(r"# (?:type: ignore(?:\[[\w, -]+\])?|noqa(?:: \w+)?)\s*$")
NOT_NONE = re.compile(r"[\w.]+ is not (?:None|MISSING)(?: and [\w.]+ is not None)*")
SKIPPED_FOLDERS = {".git", ".venv", ".hypothesis", "data"}  # of the root: not part of the project
TEXT_SUFFIXES = {
    *("", ".py", ".mako", ".sh", ".sql", ".html", ".js", ".css"),
    *(".toml", ".lock", ".ini", ".cfg", ".yaml", ".yml", ".json", ".service", ".md", ".txt"),
}


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def modules(folder: Path = SRC) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def at(path: Path, node: ast.AST | int | None = None) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", None)
    return path.relative_to(ROOT).as_posix() + (f":{line}" if line else "")


def nodes(folder: Path = SRC) -> Iterator[tuple[Path, ast.AST]]:
    for path in modules(folder):
        for node in ast.walk(tree(path)):
            yield path, node


def imported(node: ast.AST) -> list[str]:
    """The absolute module names that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def functions(
    body: list[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions and methods with their qualified names; one inside another counts towards the outer."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f"{prefix}{node.name}.")


def called(node: ast.AST) -> str:
    """The dotted name that a call calls, as it is written; empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every line of every text file that could be committed."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if parts[0] in SKIPPED_FOLDERS or any(
            part.endswith("_cache") or part == "node_modules" for part in parts
        ):
            continue
        if path.is_file() and path.suffix in TEXT_SUFFIXES and path.name != ".env":
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                yield path, number, line


def assert_none(offences: list[str], way_out: str) -> None:
    assert not offences, f"{way_out}\n  " + "\n  ".join(offences)


def test_every_module_says_what_it_is_for():
    silent = [at(path) for path in modules() if not ast.get_docstring(tree(path))]
    assert_none(silent, "Give the module a docstring: why it exists and what may live in it.")


def test_no_file_outgrows_one_idea():
    lines = {at(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    long = [f"{name}: {n} lines" for name, n in lines.items() if n > FILE_DEBT.get(name, FILE_LIMIT)]
    assert_none(
        long,
        f"Over {FILE_LIMIT} lines: make it a package of the same import path (FILE_DEBT is for old debts).",
    )
    paid = [name for name in FILE_DEBT if lines.get(name, 0) <= FILE_LIMIT]
    assert_none(paid, "Paid off: take these out of FILE_DEBT.")


def test_no_test_file_outgrows_what_can_be_found_in_it():
    lines = {at(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(ROOT / "tests")}
    long = [f"{name}: {n} lines" for name, n in lines.items() if n > TEST_FILE_LIMIT]
    assert_none(
        long, f"Over {TEST_FILE_LIMIT} lines: split it by what is tested; builders go to a file of theirs."
    )


def test_whatever_silences_a_check_says_why():
    mute = [
        at(path, number) for path, number, line in texts() if path.suffix == ".py" and SILENCED.search(line)
    ]
    assert_none(mute, "Say behind it why the check is wrong here, or make it right.")


def test_an_assertion_only_tells_the_type_checker_what_is_known():
    """Python -O drops assertions: what has to be checked raises an error of its own."""
    checking = [
        at(path, node)
        for path, node in nodes()
        if isinstance(node, ast.Assert) and not (node.msg and NOT_NONE.fullmatch(ast.unparse(node.test)))
    ]
    assert_none(checking, "Say `assert x is not None, 'why that is known'`; a check is an `if` that raises.")


def test_no_function_outgrows_a_screen():
    lengths = {
        f"{at(path)}::{name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in modules()
        for name, node in functions(tree(path).body)
    }
    long = [
        f"{name}: {n} lines" for name, n in lengths.items() if n > FUNCTION_DEBT.get(name, FUNCTION_LIMIT)
    ]
    assert_none(
        long, f"Over {FUNCTION_LIMIT} lines: split into named steps (FUNCTION_DEBT is for old debts)."
    )
    paid = [name for name in FUNCTION_DEBT if lengths.get(name, 0) <= FUNCTION_LIMIT]
    assert_none(paid, "Paid off: take these out of FUNCTION_DEBT.")


def test_the_domain_knows_no_floats():
    floats = [
        at(path, node)
        for path, node in nodes(SRC / "domain")
        if (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert_none(floats, "Money is exact: use Decimal or the value objects of src/domain/money.")


def test_the_domain_never_waits():
    kinds = ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
    waiting = [at(path, node) for path, node in nodes(SRC / "domain") if isinstance(node, kinds)]
    assert_none(waiting, "The domain is synchronous: waiting belongs to the application.")


def test_the_domain_imports_only_itself_and_the_pure_part_of_the_standard_library():
    foreign = []
    for path, node in nodes(SRC / "domain"):
        for name in imported(node):
            top = name.partition(".")[0]
            own = name == "src.domain" or name.startswith("src.domain.")
            if not own and (top not in sys.stdlib_module_names or top in IMPURE_MODULES):
                foreign.append(f"{at(path, node)} imports {name}")
    assert_none(foreign, "The domain takes what it needs as arguments: put the import behind a port.")


def test_the_domain_does_no_input_or_output():
    calls = [f"{at(p, n)} calls {called(n)}" for p, n in nodes(SRC / "domain") if called(n) in IMPURE_CALLS]
    assert_none(calls, "The domain decides and returns; reading and writing belong to adapters.")


def test_only_the_risk_review_approves():
    review = (SRC / "domain" / "risk" / "review.py", SRC / "domain" / "risk" / "review")
    makers = [
        at(path, node)
        for path, node in nodes()
        if called(node).split(".")[-1] == "Approved" and not any(path.is_relative_to(r) for r in review)
    ]
    assert_none(makers, "`Approved` is the proof of a risk check: only src/domain/risk/review makes one.")


def test_the_engine_of_the_simulated_exchange_is_sans_io():
    impure = {"asyncio", "random", "secrets", "socket", "threading", "time", "uuid"}
    engine = SRC / "infrastructure" / "simulated_exchange"
    sources = [
        path for path in modules(engine) if path.relative_to(engine).parts[0] in {"engine", "engine.py"}
    ]
    reaching = [
        f"{at(path, node)} imports {name}"
        for path in sources
        for node in ast.walk(tree(path))
        for name in imported(node)
        if name.partition(".")[0] in impure
    ]
    assert_none(
        reaching, "The engine is told the time and the seed; sockets and waiting belong to the server."
    )


def test_nothing_runs_text_as_code():
    dangerous = []
    for path, node in nodes():
        if any(name.partition(".")[0] in {"pickle", "marshal", "shelve"} for name in imported(node)):
            dangerous.append(f"{at(path, node)} imports pickle or its kind")
        if called(node) in {"eval", "exec", "yaml.load", "os.system"}:
            dangerous.append(f"{at(path, node)} calls {called(node)}")
        if (
            isinstance(node, ast.keyword)
            and node.arg == "shell"
            and getattr(node.value, "value", None) is True
        ):
            dangerous.append(f"{at(path, node.value)} goes through a shell")
    assert_none(dangerous, "Use json or msgspec, yaml.safe_load, and argument lists.")


def test_src_holds_no_unfinished_business():
    notes = [
        at(path, number)
        for path, number, line in texts()
        if path.is_relative_to(SRC) and UNFINISHED.search(line)
    ]
    assert_none(notes, "Finish it, or write it where plans are kept.")


@pytest.mark.parametrize(
    ("pattern", "way_out"),
    [
        (MACHINE_PATH, "A path of one machine: make it relative to the project, or a setting."),
        (REGISTRY, "An address of a package registry: the installer's own configuration knows it."),
    ],
    ids=["paths of one machine", "addresses of registries"],
)
def test_nothing_is_bound_to_the_machine_it_was_written_on(pattern: re.Pattern[str], way_out: str):
    assert_none([at(path, number) for path, number, line in texts() if pattern.search(line)], way_out)


def test_every_port_has_an_adapter_of_its_name():
    ports, adapters = SRC / "application" / "ports", SRC / "infrastructure"
    names = {path.stem for path in ports.glob("*.py") if not path.stem.startswith("_")}
    names |= {path.parent.name for path in ports.glob("*/__init__.py")}
    existing = {path.stem for path in modules(adapters)} | {
        path.parent.name for path in adapters.rglob("__init__.py")
    }
    missing = [f"src/application/ports/{name}" for name in sorted(names - existing - PORTS_ELSEWHERE.keys())]
    assert_none(missing, "Add src/infrastructure/…/<the port's name>.py, or a reason in PORTS_ELSEWHERE.")
    stale = [name for name in PORTS_ELSEWHERE if name not in names or name in existing]
    assert_none(stale, "No longer true: take these out of PORTS_ELSEWHERE.")


def test_what_a_checkout_grows_is_ignored_whether_it_is_a_folder_or_a_link():
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    grown = SKIPPED_FOLDERS - {".git"}
    assert_none(sorted(grown - {line.strip("/") for line in lines}), "Name it in .gitignore.")
    linked = sorted(name for name in grown if {f"/{name}/", f"{name}/"}.intersection(lines))
    assert_none(linked, "Take the last slash away in .gitignore: a link of that name would be committed.")
