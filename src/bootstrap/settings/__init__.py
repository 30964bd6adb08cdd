"""Reads the settings, once, at the start of a command: the program never looks at the environment again."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from src.bootstrap.settings.meanings import meanings
from src.bootstrap.settings.model import ROOT, Settings
from src.bootstrap.settings.sources import (
    CONFIG_FILE,
    ENV_FILE,
    EVERY,
    Found,
    Problem,
    env_of,
    from_config_file,
    from_env_file,
    from_environment,
    from_flags,
)
from src.bootstrap.settings.values import LogLevel
from src.interfaces.cli.composition import ConfigurationError, SettingLine

__all__ = ["ROOT", "Loaded", "LogLevel", "Settings", "load_settings"]

MASK = "********"
_SECRETS = frozenset({"api_key", "api_secret"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where each value came from; a field without a source has its default.

    ``problems`` are lines about settings that were not needed, and have their defaults.
    """

    settings: Settings
    sources: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def lines(self) -> list[SettingLine]:
        """Every setting as people read it, secrets masked."""
        means = meanings()
        return [
            SettingLine(
                name=env_of(field).names[0],
                value=_shown(field, getattr(self.settings, field)),
                source=self.sources.get(field, "default"),
                meaning=means[field],
            )
            for field in Settings.model_fields
        ]


def load_settings(
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    root: Path = ROOT,
    needs: Collection[str] | None = None,
) -> Loaded:
    """Read every source; ``flags`` maps field names to what stood on the command line.

    ``.env`` and ``config.yaml`` stand at the project's root, or where STEADYHAND_ENV_FILE and STEADYHAND_CONFIG say.
    Raises :class:`ConfigurationError` with one line per problem, each naming where the value stood and the fix.
    With ``needs`` only what may be about these fields is one; all else that is wrong is kept, and has its default.
    """
    environment = os.environ if environment is None else environment
    problems: list[Problem] = []
    found: Found = {}
    found.update(from_config_file(_file(root, environment, CONFIG_FILE, "config.yaml", problems), problems))
    found.update(from_env_file(_file(root, environment, ENV_FILE, ".env", problems), problems))
    found.update(from_environment(environment, problems))
    found.update(from_flags(flags or {}))
    settings = _validated(found, problems)
    refused = [problem.text for problem in problems if needs is None or problem.fields.intersection(needs)]
    if refused:
        raise ConfigurationError(*refused)
    return Loaded(
        settings,
        {field: given.source for field, given in found.items()},
        tuple(problem.text for problem in problems),
    )


def _file(
    root: Path, environment: Mapping[str, str], name: str, default: str, problems: list[Problem]
) -> Path:
    """Where a file of settings is; one that somebody named must be there."""
    named = environment.get(name, "")
    path = root / Path(named).expanduser() if named else root / default
    if named and not path.is_file():
        problems.append(Problem(f"{name} names {named}, which is no file: correct or unset it", EVERY))
    return path


def _validated(found: Found, problems: list[Problem]) -> Settings:
    """The settings, after a line for every value that has no meaning; such a value is taken out of what was found."""
    wrong: set[str] = set()
    try:
        settings = _settings_of(found)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            field = str(each["loc"][0])
            wrong.add(field)
            problems.append(Problem(_problem(field, each, found), frozenset({field})))
        for field in wrong:
            del found[field]
        settings = _settings_of(found)
    has_key, has_secret = (bool(each.get_secret_value()) for each in (settings.api_key, settings.api_secret))
    if has_key is not has_secret and not wrong & _SECRETS:
        missing, there = ("BINANCE_API_SECRET", "api_key") if has_key else ("BINANCE_API_KEY", "api_secret")
        text = f"{missing} is missing, but its partner is set ({found[there].source}): set both, or neither"
        problems.append(Problem(text, _SECRETS))
    problems.extend(_database_problem(settings, found))
    return settings


def _settings_of(found: Found) -> Settings:
    return Settings.model_validate({field: given.value for field, given in found.items()})


def _database_problem(settings: Settings, found: Found) -> Iterator[Problem]:
    """A line when the address of the database names none that this program speaks."""
    if settings.database_url is None:
        return
    from src.application.ports.store import StoreUnavailable
    from src.infrastructure.persistence.database_url import parse_database_url

    try:
        parse_database_url(settings.database_url.get_secret_value())
    except StoreUnavailable as error:
        text = f"DATABASE_URL ({found['database_url'].source}): {error}"
        yield Problem(text, frozenset({"database_url"}))


_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
_PROBLEMS = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "multiple_of": "must be a multiple of {multiple_of}",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "decimal_parsing": "is not a number",
    "decimal_type": "is not a number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_too_long": "is longer than {max_length} characters",
    "enum": "is none of {expected}",
}


def _problem(field: str, error: Any, found: Found) -> str:
    """One line: where, what is wrong, how to write it."""
    written = found[field].source if field in _SECRETS else found[field].written
    context = error.get("ctx") or {}
    if error["type"] == "value_error":
        # Our own validators say cause and fix themselves.
        return f"{written}: {context['error']}"
    text = _PROBLEMS.get(error["type"], "has no meaning here").format_map(context)
    text = _DECIMAL.sub(r"\1", text)
    return f"{written} {text}: write it like {env_of(field).example}"


def _shown(field: str, value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, SecretStr):
        return (
            _without_password(value.get_secret_value()) if field == "database_url" else MASK if value else ""
        )
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(each if isinstance(each, str) else ":".join(map(str, each)) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _without_password(url: str) -> str:
    """The address of a database without the password in it."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return f"{scheme}{separator}{user}{colon and ':' + MASK}{at}{host}" if at else url
