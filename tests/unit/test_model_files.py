"""Uploaded files, the same expectations wherever they are kept."""

import os
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from spot_optimizer.adapters.ml.directory_files import DirectoryFiles
from spot_optimizer.adapters.ml.object_files import ObjectFiles
from spot_optimizer.application.ports.model_files import (
    IncomingFile,
    ModelFileMissing,
    ModelFiles,
    ModelFilesUnavailable,
)
from tests.fakes.models import InMemoryModelFiles
from tests.object_store import a_bucket


@pytest.fixture(params=["fake", "directory", "memory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModelFiles]:
    match request.param:
        case "fake":
            yield InMemoryModelFiles()
        case "directory":
            yield DirectoryFiles(tmp_path / "models")
        case "s3":
            request.getfixturevalue("object_store")
            yield ObjectFiles(f"{a_bucket()}/models")
        case _:
            folder = uuid4().hex
            yield ObjectFiles(f"memory://{folder}/models")
            if fsspec.filesystem("memory").exists(f"/{folder}"):
                fsspec.filesystem("memory").rm(f"/{folder}", recursive=True)


def incoming(**contents: bytes) -> list[IncomingFile]:
    return [IncomingFile(f"{name}.onnx", BytesIO(content)) for name, content in contents.items()]


class Broken(BytesIO):
    """Ends in the middle, as a connection does."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(28, "No space left on device")


def names(files: ModelFiles, *folders: str) -> set[str]:
    return {file.name for file in files.listing(folders)}


def test_what_was_put_can_be_read(files: ModelFiles) -> None:
    first, second = files.put("s-1", incoming(a=b"one", b=b""))

    assert (first.name, first.size_bytes) == ("a.onnx", 3)
    assert first.sha256 == sha256(b"one").hexdigest()
    assert second.size_bytes == 0
    assert files.read("s-1", "a.onnx") == b"one"
    assert files.read("s-1", "b.onnx") == b""


def test_files_of_one_name_in_two_folders_never_meet(files: ModelFiles) -> None:
    files.put("s-1", incoming(a=b"one"))
    files.put("s-2", incoming(a=b"two!"))

    files.remove("s-1")

    assert files.read("s-2", "a.onnx") == b"two!"
    with pytest.raises(ModelFileMissing):
        files.read("s-1", "a.onnx")


def test_a_file_of_the_same_name_takes_the_place_of_the_former_one(files: ModelFiles) -> None:
    files.put("", incoming(a=b"one"))
    files.put("", incoming(a=b"two"))

    assert files.read("", "a.onnx") == b"two"


def test_only_the_folders_asked_for_are_listed(files: ModelFiles) -> None:
    files.put("s-1", incoming(a=b"one", b=b"1"))
    files.put("s-2", incoming(c=b"two"))

    assert names(files, "s-1") == {"a.onnx", "b.onnx"}
    assert names(files, "s-1", "s-2", "s-3") == {"a.onnx", "b.onnx", "c.onnx"}
    assert {file.size_bytes for file in files.listing(["s-1"])} == {3, 1}


def test_folders_are_those_that_hold_something(files: ModelFiles) -> None:
    assert list(files.folders()) == []
    files.put("", incoming(a=b"one"))
    files.put("s-1", incoming(a=b"one"))
    files.put("s-2", incoming(a=b"two"))

    files.remove("s-1")

    assert list(files.folders()) == ["s-2"]


def test_removing_what_is_not_there_does_no_harm(files: ModelFiles) -> None:
    files.put("s-1", incoming(a=b"one"))

    files.remove("s-2")
    files.remove("")

    assert names(files, "s-1") == {"a.onnx"}


class TestPlacesOutside:
    @pytest.fixture(params=["directory", "objects"])
    def files(self, request: pytest.FixtureRequest, tmp_path: Path) -> ModelFiles:
        (tmp_path / "secret.onnx").write_bytes(b"secret")
        if request.param == "directory":
            return DirectoryFiles(tmp_path / "models")
        return ObjectFiles(f"file://{tmp_path}/models")

    @pytest.mark.parametrize("folder", ["..", "../..", "/etc", "a/b", ".", "s\x00"])
    def test_are_no_folders(self, files: ModelFiles, tmp_path: Path, folder: str) -> None:
        before = sorted(tmp_path.rglob("*"))

        with pytest.raises(ModelFilesUnavailable):
            files.put(folder, incoming(a=b"x"))
        with pytest.raises(ModelFilesUnavailable):
            files.read(folder, "secret.onnx")
        files.remove(folder)

        assert list(files.listing([folder])) == []
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize("name", ["../secret.onnx", "/etc/passwd", "a/b.onnx", "..", ""])
    def test_are_no_names(self, files: ModelFiles, tmp_path: Path, name: str) -> None:
        before = sorted(tmp_path.rglob("*"))

        with pytest.raises(ModelFilesUnavailable):
            files.put("s-1", [IncomingFile(name, BytesIO(b"x"))])
        with pytest.raises(ModelFilesUnavailable):
            files.read("s-1", name)

        kept = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
        assert kept == [path for path in before if path.is_file()]


@pytest.mark.parametrize("is_new", [True, False])
def test_when_one_file_fails_none_is_there(files: ModelFiles, is_new: bool) -> None:
    if not is_new:
        files.put("", incoming(a=b"before"))
    folder = "s-1" if is_new else ""

    with pytest.raises(ModelFilesUnavailable):
        files.put(folder, [*incoming(b=b"x"), IncomingFile("c.onnx", Broken())])

    left = names(files, folder)
    assert "c.onnx" not in left
    if is_new:
        assert left == set()
    else:
        assert files.read("", "a.onnx") == b"before"


@pytest.mark.usefixtures("object_store")
class TestBuckets:
    def test_show_files_when_all_of_them_are_there(self) -> None:
        url = f"{a_bucket()}/models"
        files, elsewhere = ObjectFiles(url), ObjectFiles(url)
        seen: list[set[str]] = []

        class Watched(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                seen.append(names(elsewhere, "s-1"))
                return super().read(size)

        files.put("s-1", [*incoming(a=b"one"), IncomingFile("b.onnx", Watched(b"two"))])

        assert seen == [set()] * 2
        assert names(elsewhere, "s-1") == {"a.onnx", "b.onnx"}

    def test_show_at_once_what_another_process_has_changed(self) -> None:
        url = f"{a_bucket()}/models"
        files, elsewhere = ObjectFiles(url), ObjectFiles(url)
        files.put("s-1", incoming(a=b"one"))
        type(fsspec.filesystem("s3")).clear_instance_cache()  # another process has its own
        assert (list(elsewhere.folders()), names(elsewhere, "s-1")) == (["s-1"], {"a.onnx"})
        files.put("s-1", incoming(b=b"two"))
        files.put("s-2", incoming(a=b"one"))

        elsewhere.remove("s-2")
        elsewhere.remove("s-1")

        assert list(files.folders()) == []

    def test_take_large_files_in_parts(self) -> None:
        files = ObjectFiles(f"{a_bucket()}/models")
        large = os.urandom(1024) * 1024 * 60

        (stored,) = files.put("s-1", incoming(a=large))

        assert (stored.size_bytes, stored.sha256) == (len(large), sha256(large).hexdigest())
        assert files.read("s-1", "a.onnx") == large

    def test_that_are_not_there_are_told_of(self) -> None:
        files = ObjectFiles("s3://there-is-none-of-this-name/models")

        with pytest.raises(ModelFilesUnavailable):
            files.put("s-1", incoming(a=b"x"))
        with pytest.raises(ModelFilesUnavailable):
            files.read("s-1", "a.onnx")


class TestDirectories:
    def test_are_for_their_owner_only(self, tmp_path: Path) -> None:
        DirectoryFiles(tmp_path / "models").put("s-1", incoming(a=b"x"))

        folder = tmp_path / "models" / "s-1"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "a.onnx").stat().st_mode & 0o777 == 0o600

    def test_hold_no_half_files(self, tmp_path: Path) -> None:
        files = DirectoryFiles(tmp_path)
        files.put("s-1", incoming(a=b"x"))

        with pytest.raises(ModelFilesUnavailable):
            files.put("s-1", [*incoming(b=b"x"), IncomingFile("a.onnx", Broken())])

        assert os.listdir(tmp_path / "s-1") == ["a.onnx"]
        assert files.read("s-1", "a.onnx") == b"x"

    def test_lose_what_was_left_half_written(self, tmp_path: Path) -> None:
        files = DirectoryFiles(tmp_path)
        files.put("", incoming(a=b"x"))
        (tmp_path / ".4711.part").write_bytes(b"half")

        files.put("", incoming(b=b"x"))

        assert sorted(os.listdir(tmp_path)) == ["a.onnx", "b.onnx"]

    def test_are_not_left_through_a_link(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        files = DirectoryFiles(tmp_path / "models")
        files.put("s-1", incoming(a=b"x"))
        (tmp_path / "models" / "s-1" / "b.onnx").symlink_to(secret)

        with pytest.raises(ModelFilesUnavailable):
            files.read("s-1", "b.onnx")
        assert names(files, "s-1") == {"a.onnx"}

    def test_that_cannot_be_made_are_told_of(self, tmp_path: Path) -> None:
        (tmp_path / "models").write_bytes(b"a file")
        files = DirectoryFiles(tmp_path / "models")

        with pytest.raises(ModelFilesUnavailable):
            files.put("s-1", incoming(a=b"x"))
        with pytest.raises(ModelFilesUnavailable):
            files.listing(["s-1"])
