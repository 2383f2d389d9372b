"""Exceptions that are unappeal's own; a caller's mistake is a plain ``TypeError`` or ``ValueError``."""

import os


class UnappealError(Exception):
    """Base class of every error this package defines."""


class ModelError(UnappealError):
    """A model is missing, damaged, not one of ours, or written by a newer release."""


class InputError(UnappealError):
    """A file or record cannot be read as asked.

    ``path`` is the file as the user named it, ``line`` the 1-based line or row of the record, or None
    where the fault belongs to the whole file.
    """

    def __init__(self, message: str, path: str | os.PathLike[str] | None = None, line: int | None = None) -> None:
        self.message = message
        self.path = None if path is None else os.fspath(path)
        self.line = line
        super().__init__(message, self.path, line)

    def __str__(self) -> str:
        """Give ``path:line: message``, as compilers do, so that editors can jump to it."""
        where = self.path or ""
        if self.path is not None and self.line is not None:
            where += f":{self.line}"
        return f"{where}: {self.message}" if where else self.message
