"""Where the control socket of an account is, for both ends: in the data folder, open to its owner alone."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PATH_MAX_BYTES: Final = 107
"""Longest path of a Unix socket on Linux: ``sun_path`` has 108 bytes, one of which ends it (unix(7))."""


def control_path(data_dir: Path, account_id: str) -> Path:
    """``run/<account>.sock`` in the data folder; raises ValueError for an account id that is no file name."""
    if not account_id or "/" in account_id or account_id.startswith("."):
        raise ValueError(f"{account_id!r} cannot be an account's id")
    return data_dir.absolute() / "run" / f"{account_id}.sock"


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """What ``bind`` and ``connect`` take for a path: one that is too long is named through its folder's descriptor.

    Raises OSError where the folder cannot be opened.
    """
    if len(os.fsencode(path)) <= PATH_MAX_BYTES:
        yield os.fspath(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


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
