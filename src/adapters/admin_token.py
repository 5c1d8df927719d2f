"""Where an operator's token is kept when no setting names one."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from spot_optimizer.adapters.system import new_admin_token

_FILE: Final = "admin-token"


@dataclass(frozen=True, slots=True)
class AdminTokenFile:
    """A file in the data directory that only its owner may read."""

    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / _FILE

    def read(self) -> str | None:
        """None while there is no token."""
        try:
            return self.path.read_text().strip() or None
        except FileNotFoundError:
            return None

    def ensure(self) -> tuple[str, bool]:
        """The token, and whether it was made just now; of several processes one makes it.

        Raises:
            OSError: the directory cannot be written.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        token = new_admin_token()
        draft = self._draft(token)
        try:
            os.link(draft, self.path)
        except FileExistsError:
            return self.read() or token, False
        else:
            return token, True
        finally:
            draft.unlink()

    def rotate(self) -> str:
        """A new token; the old one opens nothing from now on."""
        self.directory.mkdir(parents=True, exist_ok=True)
        token = new_admin_token()
        self._draft(token).replace(self.path)
        return token

    def _draft(self, token: str) -> Path:
        # Only its owner may read such a file from the first moment.
        descriptor, draft = mkstemp(prefix=f"{_FILE}.", dir=self.directory)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        return Path(draft)


class CurrentAdminToken:
    """The hash of the operator's token of today: as set, else as the file has it by now."""

    def __init__(self, token: str | None, file: AdminTokenFile) -> None:
        self._fixed = None if token is None else _hash(token)
        self._file = file
        self._read_at: int | None = None
        self._hash = ""

    def __call__(self) -> str:
        """SHA-256 in hex; one that nothing hashes to while there is no token."""
        if self._fixed is not None:
            return self._fixed
        try:
            changed_at = self._file.path.stat().st_mtime_ns
        except FileNotFoundError:
            return ""
        if changed_at != self._read_at:
            token = self._file.read()
            self._hash = "" if token is None else _hash(token)
            self._read_at = changed_at
        return self._hash


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
