"""What is kept where, as the settings say."""

from __future__ import annotations

import os
from pathlib import Path

from spot_optimizer.adapters.admin_token import AdminTokenFile, CurrentAdminToken
from spot_optimizer.adapters.ml.directory_files import DirectoryFiles
from spot_optimizer.adapters.ml.loader import BuiltInEngines, TryOut
from spot_optimizer.adapters.ml.trial_process import TrialProcess
from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.adapters.scheduling.engine_watch import SilentAnnouncer
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import Announcer
from spot_optimizer.application.ports.model_files import ModelFiles
from spot_optimizer.application.ports.model_trial import ModelTrial
from spot_optimizer.domain.placement.downtime import DowntimeValues
from spot_optimizer.settings import Settings


def make_cache(settings: Settings, clock: Clock) -> Cache:
    if settings.redis_url is not None:
        # Six megabytes and 50 ms, which a server on one machine need not pay.
        from spot_optimizer.adapters.scheduling.redis_cache import (
            RedisCache,
        )

        return RedisCache(settings.redis_url)
    return FileCache(settings.data_dir / "cache.sqlite3", clock)


def cache_of_prices(settings: Settings, cache: Cache) -> Cache | None:
    return None if settings.peculiarities.rows_change_beneath else cache


def make_announcer(settings: Settings) -> Announcer:
    if settings.redis_url is not None:
        from spot_optimizer.adapters.scheduling.redis_announcer import (
            RedisAnnouncer,
        )

        return RedisAnnouncer(settings.redis_url)
    return SilentAnnouncer()


def make_files(settings: Settings, folder: Path | None, name: str) -> ModelFiles:
    if settings.model_store_url:
        from spot_optimizer.adapters.ml.object_files import (
            ObjectFiles,
        )

        return ObjectFiles(f"{settings.model_store_url.rstrip('/')}/{name}")
    return DirectoryFiles(folder or settings.data_dir / name)


def make_loader(settings: Settings, files: ModelFiles, try_out: TryOut) -> BuiltInEngines:
    peculiarities = settings.peculiarities
    return BuiltInEngines(
        files=files,
        module=settings.decision_engine_module,
        class_name=settings.decision_engine_class,
        strict=settings.ml_strict_activation,
        try_out=try_out,
        opens_models=not peculiarities.former_model_sessions,
        missing_spot_price_is_free=peculiarities.missing_spot_price_is_free,
    )


def downtime_values(settings: Settings) -> DowntimeValues:
    return DowntimeValues.of(settings.downtime_values)


def make_trial(settings: Settings) -> ModelTrial | None:
    """None where uploads are kept and never opened."""
    if settings.peculiarities.former_model_sessions:
        return None
    places = {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "MODEL_DIR": str(settings.model_dir or ""),
        "MODEL_STORE_URL": settings.model_store_url,
    }
    return TrialProcess({**os.environ, **places})


def make_admin_token(settings: Settings) -> CurrentAdminToken:
    return CurrentAdminToken(settings.admin_api_token, AdminTokenFile(settings.data_dir))
