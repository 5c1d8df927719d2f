"""What an uploaded file may be called (contract admin 3.3, 3.8)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.models.file_names import (
    DuplicateFileName,
    FileTypeNotAllowed,
    UploadKind,
    accepted_names,
    extension_of,
    safe_name,
)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("model.onnx", "model.onnx"),
        ("../../evil.pkl", "evil.pkl"),
        ("..\\..\\evil.pkl", "evil.pkl"),
        ("/etc/passwd.onnx", "etc_passwd.onnx"),
        ("we ird ñame.PKL", "we_ird_name.PKL"),
        (".pkl", "pkl"),
        ("...", ""),
        ("", ""),
        ("a\u2215b.onnx", "ab.onnx"),
        ("\u202exnno.onnx", "xnno.onnx"),
        ("\uff4d\uff4f.\uff4f\uff4e\uff4e\uff58", "mo.onnx"),
        ("\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fa.onnx", "a.onnx"),
        ("a\x00.onnx", "a.onnx"),
        ("a.onnx\x00.pkl", "a.onnx.pkl"),
        ("a\r\nb.onnx", "a_b.onnx"),
        ("~/.ssh/authorized_keys", "ssh_authorized_keys"),
        ("C:\\x\\y.skops", "C_x_y.skops"),
        ("a$(reboot).onnx", "areboot.onnx"),
        ("_a_.onnx_", "a_.onnx"),
    ],
)
def test_a_name_is_made_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text())
def test_any_name_becomes_one_that_stays_in_its_directory(given_name: str) -> None:
    name = safe_name(given_name)

    assert re.fullmatch(r"[A-Za-z0-9_.-]*", name)
    assert not name.startswith(".")
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.onnx", ".onnx"), ("a.b.SKOPS", ".skops"), ("onnx", ""), ("", ""), ("a.", ".")],
)
def test_the_extension_is_what_stands_last(name: str, extension: str) -> None:
    assert extension_of(name) == extension


@pytest.mark.parametrize("name", ["a.pkl", "a.py", "onnx", ".onnx", "a.onnx.exe", "a.h5", ""])
def test_other_formats_are_refused(name: str) -> None:
    with pytest.raises(FileTypeNotAllowed) as refused:
        accepted_names(["good.onnx", name], UploadKind.MODELS, unsafe=False)

    assert str(refused.value) == (
        f"File type not allowed: {safe_name(name)}. Allowed types: .onnx, .skops"
    )


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (UploadKind.MODELS, ".h5, .joblib, .onnx, .pb, .pkl, .pt, .pth, .skops"),
        (UploadKind.ENGINE, ".joblib, .onnx, .pkl, .py, .skops"),
    ],
)
def test_former_formats_are_taken_only_where_they_are_allowed(
    kind: UploadKind, allowed: str
) -> None:
    names = [f"a{extension}" for extension in allowed.split(", ")]

    assert accepted_names(names, kind, unsafe=True) == tuple(names)
    with pytest.raises(FileTypeNotAllowed) as refused:
        accepted_names(["a.sh"], kind, unsafe=True)
    assert str(refused.value).endswith(f"Allowed types: {allowed}")


@pytest.mark.parametrize("second", ["m.onnx", "./m.onnx", "M.ONNX"])
def test_two_files_of_one_name_are_refused(second: str) -> None:
    with pytest.raises(DuplicateFileName):
        accepted_names(["m.onnx", second], UploadKind.MODELS, unsafe=False)


def test_a_name_that_no_disk_takes_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="too long"):
        accepted_names(["a" * 300 + ".onnx"], UploadKind.MODELS, unsafe=False)
