"""What an uploaded file may be called (contract/admin-ml-and-jobs.md 3.3, 3.8)."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.errors import ValidationFailed

_SEPARATORS: Final = re.compile(r"[/\\]")
_OUTSIDE: Final = re.compile(r"[^A-Za-z0-9_.-]")

# What file systems and the hash list of a session take; nobody's model is called like this.
_LONGEST: Final = 200


class UploadKind(StrEnum):
    MODELS = "models"
    ENGINE = "engine"


SAFE_EXTENSIONS: Final = frozenset({".onnx", ".skops"})
"""Formats that hold figures only."""

PLACEMENT_MODEL: Final = "placement_model"
"""What the file of a placement model is called, its extension aside."""

# Formats that run code when they are opened; they are kept and never opened.
_LEGACY: Final = {
    UploadKind.MODELS: frozenset({".h5", ".joblib", ".pb", ".pkl", ".pt", ".pth"}),
    UploadKind.ENGINE: frozenset({".joblib", ".pkl", ".py"}),
}


class FileTypeNotAllowed(ValidationFailed):
    def __init__(self, name: str, allowed: Collection[str]) -> None:
        types = ", ".join(sorted(allowed))
        super().__init__(f"File type not allowed: {name}. Allowed types: {types}")


class DuplicateFileName(ValidationFailed):
    def __init__(self, name: str) -> None:
        super().__init__(f"Duplicate file name: {name}")


def safe_name(given: str) -> str:
    """Plain ASCII without directories; may come out empty."""
    ascii_only = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    joined = "_".join(_SEPARATORS.sub(" ", ascii_only).split())
    return _OUTSIDE.sub("", joined).strip("._")


def extension_of(name: str) -> str:
    """With its dot, in small letters; empty where there is none."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def allowed_extensions(kind: UploadKind, *, unsafe: bool) -> frozenset[str]:
    return SAFE_EXTENSIONS | _LEGACY[kind] if unsafe else SAFE_EXTENSIONS


def accepted_names(given: Sequence[str], kind: UploadKind, *, unsafe: bool) -> tuple[str, ...]:
    """The safe names of files, in their order.

    Raises:
        FileTypeNotAllowed: one of them has no allowed extension.
        DuplicateFileName: two have the same safe name, on a disk that knows no case.
        ValidationFailed: one of them is too long.
    """
    allowed = allowed_extensions(kind, unsafe=unsafe)
    names = tuple(map(safe_name, given))
    seen = set[str]()
    for name in names:
        if extension_of(name) not in allowed:
            raise FileTypeNotAllowed(name[:_LONGEST], allowed)
        if len(name) > _LONGEST:
            raise ValidationFailed("File name is too long")
        if name.lower() in seen:
            raise DuplicateFileName(name)
        seen.add(name.lower())
    return names


def is_placement_model(file_name: str) -> bool:
    """Whether the placement policy looks for its model in a file of this name."""
    stem, _, _ = file_name.rpartition(".")
    return stem == PLACEMENT_MODEL and extension_of(file_name) == ".skops"
