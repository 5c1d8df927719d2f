"""Opening model files. Nothing in a file is ever executed: both formats hold figures and the names
of known operations. The libraries are imported when there is a file to open."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol

from spot_optimizer.domain.decisions.features import FEATURES


class Predictor(Protocol):
    """A model that is ready to be asked."""

    def __call__(self, features: tuple[float, ...]) -> float:
        """Of a classifier the probability of its second class, of others their figure."""
        ...


class NotAModel(Exception):
    """The file cannot be loaded safely; the message says why and shows nothing of it."""


class Format:
    """How the registry calls a kind of file, and how it is opened."""

    def __init__(self, kind: str, module: str) -> None:
        self.kind = kind
        self._module = f"{__package__}.{module}"

    def prepare(self) -> bool:
        """Import what it takes to open such a file; whether it was not there yet."""
        is_new = self._module not in sys.modules
        import_module(self._module)
        return is_new

    def open(self, content: bytes) -> Predictor:
        """Ready, and tried on an empty question.

        Raises:
            NotAModel: nothing usable came out of it.
        """
        try:
            opened: Callable[[bytes], Predictor] = import_module(self._module).opened
            predictor = opened(content)
            predictor((0.0,) * len(FEATURES))
        except NotAModel:
            raise
        except Exception as error:  # whatever a library finds wrong with a hostile file
            raise NotAModel(f"not a usable {self.kind} model ({type(error).__name__})") from error
        return predictor


FORMATS: Final[Mapping[str, Format]] = {
    ".onnx": Format("onnx", "onnx_format"),
    ".skops": Format("sklearn", "skops_format"),
}
"""By the extension of the file."""
