"""Uploaded files in the file system, the default."""

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

from spot_optimizer.adapters.ml.file_places import is_folder, is_name
from spot_optimizer.application.ports.model_files import (
    IncomingFile,
    ListedFile,
    ModelFileMissing,
    ModelFilesUnavailable,
    StoredFile,
)

_CHUNK_BYTES: Final = 1024 * 1024
_UNFINISHED: Final = ".part"


class DirectoryFiles:
    """Directories for their owner only (0700), files too (0600)."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def put(self, folder: str, files: Sequence[IncomingFile]) -> Sequence[StoredFile]:
        """Each is written under another name, synced, and renamed when all are there."""
        with _told():
            directory = self._directory(folder)
            is_new = not directory.exists()
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for entry in _entries(directory):
                if entry.name.endswith(_UNFINISHED):  # by somebody who ended in the middle
                    os.unlink(entry)
            written: list[tuple[Path, Path]] = []
            stored = []
            try:
                for file in files:
                    part = directory / f".{uuid4().hex}{_UNFINISHED}"
                    written.append((part, self._path(folder, file.name)))
                    stored.append(_written(part, file))
                for part, path in written:
                    part.replace(path)
                _sync(directory)
            except BaseException:
                for part, _ in written:
                    part.unlink(missing_ok=True)
                if is_new:
                    shutil.rmtree(directory, ignore_errors=True)
                raise
        return stored

    def read(self, folder: str, name: str) -> bytes:
        with _told():
            try:
                file = os.open(self._path(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError as error:
                raise ModelFileMissing(name) from error
            with os.fdopen(file, "rb") as content:
                return content.read()

    def remove(self, folder: str) -> None:
        if is_folder(folder) and folder:
            with _told():
                shutil.rmtree(self._root / folder, ignore_errors=False, onerror=_unless_missing)

    def listing(self, folders: Collection[str]) -> Sequence[ListedFile]:
        found = []
        with _told():
            for folder in filter(is_folder, folders):
                entries = _entries(self._root / folder)
                found += [_listed(entry) for entry in entries if _is_finished(entry)]
        return found

    def folders(self) -> Collection[str]:
        with _told():
            return [
                entry.name
                for entry in _entries(self._root)
                if entry.is_dir(follow_symlinks=False) and is_folder(entry.name)
            ]

    def place(self, folder: str, name: str) -> str:
        return str(self._path(folder, name))

    def _directory(self, folder: str) -> Path:
        if not is_folder(folder):
            raise ModelFilesUnavailable("not a folder of ours")
        return self._root / folder

    def _path(self, folder: str, name: str) -> Path:
        if not is_name(name):
            raise ModelFileMissing(name)
        return self._directory(folder) / name


def _written(path: Path, file: IncomingFile) -> StoredFile:
    digest, size = sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while chunk := file.content.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return StoredFile(file.name, size, digest.hexdigest())


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_finished(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and not entry.name.endswith(_UNFINISHED)


def _listed(entry: os.DirEntry[str]) -> ListedFile:
    status = entry.stat(follow_symlinks=False)
    return ListedFile(entry.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_missing(_function: object, _path: object, failure: object) -> None:
    error = failure[1] if isinstance(failure, tuple) else failure
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFilesUnavailable(error.strerror or type(error).__name__) from error
