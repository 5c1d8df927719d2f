"""Which names a store of files takes, wherever they come from: from a database, too."""

import re
from typing import Final

from spot_optimizer.domain.models.file_names import safe_name

_FOLDER: Final = re.compile(r"[A-Za-z0-9-]{0,64}")


def is_folder(name: str) -> bool:
    return _FOLDER.fullmatch(name) is not None


def is_name(name: str) -> bool:
    return bool(name) and safe_name(name) == name
