"""Where uploaded files are kept, in folders of their own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol


class ModelFilesUnavailable(Exception):
    """The place cannot be read or written."""


class ModelFileMissing(ModelFilesUnavailable):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """Under its safe name; the content is read once, from where it stands."""

    name: str
    content: IO[bytes]


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ListedFile:
    name: str
    size_bytes: int
    modified_at: datetime


class ModelFiles(Protocol):
    """A folder is the id of an upload session; the empty one holds the files of the engine.

    Raises:
        ModelFilesUnavailable: from every operation.
    """

    def put(self, folder: str, files: Sequence[IncomingFile]) -> Sequence[StoredFile]:
        """All or none; each is there as a whole or as it was before."""
        ...

    def read(self, folder: str, name: str) -> bytes:
        """Raises:
        ModelFileMissing: it is not there.
        """
        ...

    def remove(self, folder: str) -> None:
        """The folder with its files; nothing where there is none."""
        ...

    def listing(self, folders: Collection[str]) -> Sequence[ListedFile]:
        """The files directly in the folders, in any order."""
        ...

    def folders(self) -> Collection[str]:
        """All but the empty one, whoever has made them."""
        ...

    def place(self, folder: str, name: str) -> str:
        """For people: where the file is."""
        ...
