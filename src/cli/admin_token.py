"""`spot-optimizer admin token`: showing and replacing the operator's token."""

import sys

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.cli.configuration import settings_from, wrong_setting
from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure


def show() -> None:
    """The token alone on standard output, for use in $(…).

    Raises:
        Failure: there is none yet.
    """
    settings = settings_from()
    token = settings.admin_api_token
    if token is not None:
        sys.stderr.write("This is ADMIN_API_TOKEN; no token file is used while it is set\n")
    else:
        try:
            token = AdminTokenFile(settings.data_dir).read()
        except OSError as error:
            raise _unusable(error) from error
    if token is None:
        raise Failure(
            f"There is no token yet in {settings.data_dir}: it is made at the first start", FAILED
        )
    sys.stdout.write(f"{token}\n")


def rotate() -> None:
    """A new token on standard output; a running server takes no other from now on.

    Raises:
        Failure: the token is a setting, or cannot be written.
    """
    settings = settings_from()
    if settings.admin_api_token is not None:
        raise Failure("ADMIN_API_TOKEN is set: change it there and restart", WRONG_SETTING)
    try:
        token = AdminTokenFile(settings.data_dir).rotate()
    except OSError as error:
        raise _unusable(error) from error
    sys.stdout.write(f"{token}\n")


def _unusable(error: OSError) -> Failure:
    return wrong_setting("DATA_DIR", f"{error.filename}: {error.strerror}")
