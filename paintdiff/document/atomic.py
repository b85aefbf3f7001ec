"""Writing a file whole or not at all: whatever goes wrong, the old file stays and no litter is left."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from paintdiff.generation.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a temporary file beside `path`, bring it to the disk and rename it over `path`.

    A link stays a link, and the file it names is replaced; permissions of an existing file stay. Raises `UserError`.
    """
    target = Path(os.path.realpath(path))
    mode = _writable_mode(target, path)
    part = target.with_name(f".paintdiff-{secrets.token_hex(6)}.part")
    try:
        # Created here rather than by tempfile, so that the user's umask decides who may read a new file.
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(part, mode)
            os.replace(part, target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise UserError(_sentence(path, error)) from error
    _settle_folder(target.parent)


def _writable_mode(target: Path, path: Path) -> int | None:
    """The permissions of the file to replace, None if there is none. Raises `UserError` if it must not be replaced."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(_sentence(path, error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"{path} is a folder: choose a file name inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is not a plain file: choose another name.")
    # A rename would replace a read-only file without asking; whoever protected it did not want that.
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise UserError(f"{path} is read-only: save under another name.")
    return stat.S_IMODE(status.st_mode)


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"There is no room left on the disk for {path}: free some, or save elsewhere."
    if error.errno in _FORBIDDEN:
        return f"{path} cannot be written: its folder is read-only. Save elsewhere."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{path} cannot be written: the folder {path.parent} is not there. Save elsewhere."
    return f"{path} cannot be written: {error.strerror or error}."


def _settle_folder(folder: Path) -> None:
    """Bring the rename itself to the disk, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
