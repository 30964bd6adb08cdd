"""Where the control socket of an account is, for both ends: in the data folder, open to its owner alone."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

PATH_MAX_BYTES: Final = 107
"""Longest path of a Unix socket on Linux: ``sun_path`` has 108 bytes, one of which ends it (unix(7))."""


def control_path(data_dir: Path, account_id: str) -> Path:
    """``run/<account>.sock`` in the data folder, or a short path of this user's when that one is too long.

    Raises ValueError for an account id that is no file name.
    """
    if not account_id or "/" in account_id or account_id.startswith("."):
        raise ValueError(f"{account_id!r} cannot be an account's id")
    path = data_dir.absolute() / "run" / f"{account_id}.sock"
    if len(os.fsencode(path)) <= PATH_MAX_BYTES:
        return path
    name = hashlib.blake2b(os.fsencode(path), digest_size=12).hexdigest()
    return _user_folder() / f"{name}.sock"


def _user_folder() -> Path:
    """A folder that only this user can reach, with a short name."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(os.fsencode(runtime)) <= PATH_MAX_BYTES - 45:
        return Path(runtime) / "steadyhand"
    return Path(tempfile.gettempdir()) / f"steadyhand-{os.getuid()}"


def make_private_folder(folder: Path) -> None:
    """Make the folder with mode 0700, or see to it that it has it.

    Raises PermissionError when it belongs to somebody else or is a link: anybody can make a folder in a shared one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not a folder of this user: remove it")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
