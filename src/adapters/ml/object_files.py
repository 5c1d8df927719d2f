"""Uploaded files in any place that fsspec reaches: S3 and what speaks its language, and others."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from spot_optimizer.adapters.ml.file_places import is_folder, is_name
from spot_optimizer.application.ports.model_files import (
    IncomingFile,
    ListedFile,
    ModelFileMissing,
    ModelFilesUnavailable,
    StoredFile,
)

_CHUNK_BYTES: Final = 1024 * 1024


class ObjectFiles:
    """An object is there as a whole or not at all; a folder is what objects have in common."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._opened: tuple[Any, str] | None = None

    def put(self, folder: str, files: Sequence[IncomingFile]) -> Sequence[StoredFile]:
        """Sent as they come, and made visible when all are there."""
        paths = [self._path(folder, file.name) for file in files]
        with _told(), self._filesystem.transaction:
            return [self._sent(path, file) for path, file in zip(paths, files, strict=True)]

    def read(self, folder: str, name: str) -> bytes:
        path = self._path(folder, name)
        with _told():
            try:
                return bytes(self._filesystem.cat_file(path))
            except FileNotFoundError as error:
                raise ModelFileMissing(name) from error

    def remove(self, folder: str) -> None:
        if is_folder(folder) and folder:
            path = f"{self._root}/{folder}"
            with _told():
                if self._filesystem.exists(path):
                    self._filesystem.rm(path, recursive=True)

    def listing(self, folders: Collection[str]) -> Sequence[ListedFile]:
        found = []
        with _told():
            for folder in filter(is_folder, folders):
                found += [
                    ListedFile(it["name"].rpartition("/")[2], it["size"] or 0, _modified(it))
                    for it in self._entries(f"{self._root}/{folder}".rstrip("/"))
                    if it["type"] == "file"
                ]
        return found

    def folders(self) -> Collection[str]:
        with _told():
            names = [
                it["name"].rstrip("/").rpartition("/")[2]
                for it in self._entries(self._root)
                if it["type"] == "directory"
            ]
        return [name for name in names if name and is_folder(name)]

    def place(self, folder: str, name: str) -> str:
        return f"{self._url}/{folder}/{name}"

    def _path(self, folder: str, name: str) -> str:
        if not is_folder(folder):
            raise ModelFilesUnavailable("not a folder of ours")
        if not is_name(name):
            raise ModelFileMissing(name)
        return f"{self._root}/{folder}/{name}" if folder else f"{self._root}/{name}"

    def _sent(self, path: str, file: IncomingFile) -> StoredFile:
        digest, size = sha256(), 0
        with self._filesystem.open(path, "wb") as target:
            while chunk := file.content.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        return StoredFile(file.name, size, digest.hexdigest())

    def _entries(self, path: str) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self._filesystem.ls(path, detail=True)
        except FileNotFoundError:
            return []
        return found

    @property
    def _filesystem(self) -> Any:
        return self._place()[0]

    @property
    def _root(self) -> str:
        return self._place()[1]

    def _place(self) -> tuple[Any, str]:
        if self._opened is None:
            import fsspec  # some megabytes, for those who name a place of their own

            # Other processes put and remove files, too.
            filesystem, root = fsspec.core.url_to_fs(self._url, use_listings_cache=False)
            self._opened = filesystem, root.rstrip("/")
        return self._opened


def _modified(entry: dict[str, Any]) -> datetime:
    """Under one of the names that file systems have for it."""
    for name in ("LastModified", "last_modified", "mtime", "updated", "created"):
        value = entry.get(name)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.fromtimestamp(0, UTC)


@contextmanager
def _told() -> Iterator[None]:
    """Each file system raises errors of its own."""
    try:
        yield
    except ModelFilesUnavailable:
        raise
    except Exception as error:
        raise ModelFilesUnavailable(type(error).__name__) from error
