"""The settings of a command, with a wrong one told in one line."""

import os
from collections.abc import Mapping
from typing import Final

from spot_optimizer.adapters.advisor.bands import BandsUnreadable, bands_in
from spot_optimizer.cli.failures import WRONG_SETTING, Failure
from spot_optimizer.settings import Settings, WrongSetting

FIGURES_DIR: Final = "SPOT_OPTIMIZER_FIGURES_DIR"
"""The variable by which the processes of a server know where they put their figures together."""


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises:
    Failure: a variable has a value that cannot be used.
    """
    try:
        settings = Settings.from_environment(environment)
    except WrongSetting as wrong:
        raise Failure(f"Wrong setting {wrong}", WRONG_SETTING) from wrong
    redis = settings.redis_url
    if redis is not None and not redis.startswith(("redis://", "rediss://", "unix://")):
        raise wrong_setting("REDIS_URL", "must start with redis://, rediss:// or unix://")
    if settings.spot_advisor_file is not None:
        try:
            bands_in(settings.spot_advisor_file)
        except BandsUnreadable as unreadable:
            raise wrong_setting("SPOT_ADVISOR_FILE", str(unreadable)) from unreadable
    return settings


def wrong_setting(name: str, reason: str) -> Failure:
    return Failure(f"Wrong setting {name}: {reason}", WRONG_SETTING)
