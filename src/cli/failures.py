"""How a command ends when it cannot do what it was asked for."""

from typing import Final

FAILED: Final = 1
WRONG_SETTING: Final = 2
PORT_IN_USE: Final = 3
DATABASE_UNUSABLE: Final = 4


class Failure(Exception):
    """Ends the command: the message is one line for whoever typed it, without secrets."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return " ".join(str(self.args[0]).split())
