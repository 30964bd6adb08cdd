"""The documents speak of what is there: files, names, targets, commands, links and decision records."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# These speak in the present tense; records and plans may name what was or will be.
PRESENT = [path for path in DOCUMENTS if path.parent != DECISIONS and path.name != "CONTRIBUTING.md"]

FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
BACKTICKS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
SUFFIXES = (".py", ".md", ".toml", ".sql", ".ini", ".lock", ".yaml", ".example")
IDENTIFIER = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?:\(.*\))?")
MAKE = re.compile(r"^\s*(?:\$ )?make ([a-z][a-z-]*)", re.MULTILINE)
COMMAND = re.compile(r"(?:\./steadyhand|python -m src\.interfaces\.cli) ([a-z][a-z-]*)([^\n`|&;>#]*)")
FLAG = re.compile(r"(?<!\S)--[a-z][a-z-]*")
# Made by running the program, or by its user.
MADE_LATER = ("data/", ".venv", ".env", "config.yaml")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_of(path: Path) -> str:
    """The text without its fenced blocks."""
    return FENCE.sub("", text_of(path))


@cache
def files() -> frozenset[str]:
    """Every file of the project, from the root."""
    skipped = {".git", ".venv", "data"}
    return frozenset(
        relative(path)
        for path in ROOT.rglob("*")
        if path.is_file() and path.relative_to(ROOT).parts[0] not in skipped
    )


@cache
def words_of_the_code() -> frozenset[str]:
    """Every name that occurs in the sources, the tests and the project file."""
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "pyproject.toml"]
    words: set[str] = set()
    for path in sources:
        if path != Path(__file__).resolve():
            words.update(re.findall(r"[A-Za-z_]\w*", text_of(path)))
    return frozenset(words)


def is_path(token: str) -> bool:
    if not PATH.fullmatch(token) or token.startswith("."):
        return False
    return ("/" in token and not token.isupper()) or token.endswith(SUFFIXES)


def paths_named_in(document: Path) -> Iterator[str]:
    for token in BACKTICKS.findall(prose_of(document)):
        if is_path(token) and not token.startswith(MADE_LATER):
            yield token


def is_there(token: str) -> bool:
    """A path from the root, or the end of one."""
    end = "/" + token.rstrip("/")
    return (ROOT / token).exists() or any(("/" + name).endswith(end) for name in files())


@pytest.mark.parametrize("document", PRESENT, ids=relative)
def test_every_file_that_a_document_names_exists(document: Path):
    missing = [token for token in paths_named_in(document) if not is_there(token)]

    assert not missing, f"{relative(document)} names files that are not there: {missing}"


def test_every_name_in_the_architecture_is_one_of_the_code():
    tokens = BACKTICKS.findall(prose_of(ROOT / "ARCHITECTURE.md"))
    names = [match[1] for token in tokens if (match := IDENTIFIER.fullmatch(token))]
    known = words_of_the_code() | {path.split("/")[0] for path in files()}
    packages = {part for name in files() for part in name.removesuffix(".py").split("/")}

    missing = sorted({name for name in names if name not in known and name not in packages})

    assert not missing, f"ARCHITECTURE.md names what the code does not have: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_make_target_that_a_document_names_exists(document: Path):
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), re.MULTILINE))
    code = BACKTICKS.findall(prose_of(document)) + FENCE.findall(text_of(document))

    missing = sorted({name for piece in code for name in MAKE.findall(piece)} - targets)

    assert not missing, f"{relative(document)} names make targets that are not there: {missing}"


@cache
def help_of(*command: str) -> str:
    """What ``--help`` prints, wide enough that nothing is cut."""
    answer = subprocess.run(
        [sys.executable, "-m", "src.interfaces.cli", *command, "--help"],
        cwd=ROOT,
        env={"COLUMNS": "250", "TERM": "dumb", "NO_COLOR": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else ""


def test_every_command_that_a_document_shows_exists_with_its_options():
    shown = {match for document in PRESENT for match in COMMAND.findall(text_of(document))}

    missing = set()
    for command, arguments in shown:
        known = help_of(command)
        if not known:
            missing.add(command)
        missing.update(f"{command} {flag}" for flag in FLAG.findall(arguments) if flag not in known)

    assert not missing, f"the documents show commands that the program does not have: {sorted(missing)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_every_relative_link_leads_to_a_file(document: Path):
    links = [link for link in LINK.findall(prose_of(document)) if "://" not in link]

    dead = [link for link in links if not (document.parent / link.partition("#")[0]).exists()]

    assert not dead, f"{relative(document)} has dead links: {dead}"


def records() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("record", records(), ids=lambda path: path.stem[:4])
def test_a_decision_record_has_its_number_status_and_three_headings(record: Path):
    lines = text_of(record).splitlines()

    assert lines[0].startswith(f"# {record.name[:4]}: ")
    assert re.match(r"Status: (accepted|replaced by \d{4})\s+Date: \d{4}-\d\d-\d\d$", lines[2]), lines[2]
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]


def test_every_decision_record_is_listed_under_its_own_title():
    listed = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", text_of(DECISIONS / "README.md"), re.MULTILINE
    )

    expected = [
        (path.name[:4], path.name, text_of(path).splitlines()[0].partition(": ")[2]) for path in records()
    ]

    assert listed == expected
    assert [number for number, _, _ in listed] == [f"{n:04}" for n in range(1, len(listed) + 1)]


def test_every_runtime_dependency_has_its_reason_on_record():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    wanted = {re.split(r"[\[><=~!]", line)[0] for line in project["dependencies"]}

    (record,) = DECISIONS.glob("*-the-dependencies-taken.md")
    explained = set(re.findall(r"^\| `([^`]+)` \|", text_of(record), re.MULTILINE))

    assert explained == wanted
