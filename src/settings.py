"""All that can be set, read once from environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Final, Literal, Self, get_args, get_type_hints
from urllib.parse import quote

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.placement.downtime import DowntimeValues
from spot_optimizer.domain.retention import PERIODS
from spot_optimizer.domain.webhooks import secret_of

_SQLITE_FILE: Final = "spot-optimizer.sqlite3"
_PLACEMENT: Final = "decision_engines.placement_engine"
_DATABASE_PARTS: Final = ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME")


class WrongSetting(Exception):
    """A variable whose value cannot be used; the message names it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from the environment variable of its name in capitals."""

    database_url: str = ""
    """`sqlite:///FILE` or `mysql+pymysql://…`; unset: from DB_*, else SQLite in the data folder."""
    db_pool_size: int = 10
    """Requests that may talk to the database at a time, of each process."""
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 5000
    drain_seconds: int = 5
    """From SIGTERM until no connection is taken any more, while `/readyz` answers 503."""
    redis_url: str | None = None
    """Shared cache of several machines; unset: a file in the data folder."""
    admin_api_token: str | None = None
    """Unset: generated at the first start and kept in the data folder."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where an OpenTelemetry collector takes spans by OTLP over HTTP; unset: there are none."""
    metrics_token: str | None = None
    """Opens `/metrics`, and nothing else, beside the operator's token."""
    admin_auth: Literal["token", "open"] = "token"
    dashboard_dir: Path | None = None
    """A built dashboard, to be served to operators beside the API."""
    forwarded_allow_ips: str = "127.0.0.1"
    """Proxies whose word is taken for where a request came from, and whether over TLS."""
    cors_allow_origins: str = "*"
    max_upload_bytes: int = 104_857_600
    compatibility: Literal["", "monolith"] = ""
    command_lease_seconds: int = 600
    price_freshness_seconds: int = 3600
    agent_heartbeat_timeout: int = 120
    enable_background_jobs: bool = True
    model_dir: Path | None = None
    """Unset: a folder in the data folder."""
    decision_engine_dir: Path | None = None
    """Unset: a folder in the data folder."""
    model_store_url: str = ""
    """A place that fsspec knows, such as `s3://bucket/folder`; unset: the two folders above."""
    allow_unsafe_uploads: bool = False
    ml_strict_activation: bool = False
    enable_replica_coordinator: bool = True
    emergency_commands: bool = False
    """An agent whose notice nobody can meet is ordered to move by itself."""
    webhook_url: str = ""
    """Told of notifications and interruptions."""
    webhook_secret: str = ""
    slack_webhook_url: str = ""
    growth_backfill_on_empty: bool = True
    retention_spot_prices_days: int = 30
    """Each of these is for how many days rows are kept; 0 keeps them for ever."""
    retention_ondemand_prices_days: int = 30
    retention_risk_scores_days: int = 90
    retention_engine_log_days: int = 30
    retention_pricing_reports_days: int = 30
    retention_predictions_days: int = 30
    retention_system_events_days: int = 90
    retention_audit_days: int = 180
    retention_read_notifications_days: int = 30
    retention_commands_days: int = 7
    retention_raw_submissions_days: int = 30
    retention_metrics_days: int = 30
    replica_monitor_seconds: int = 10
    data_quality_seconds: int = 300
    decision_engine_module: str = "decision_engines.ml_based_engine"
    decision_engine_class: str = "MLBasedDecisionEngine"
    spot_advisor_file: Path | None = None
    """What AWS publishes as the Spot Instance Advisor's; unset: what comes with the server."""
    downtime_values: str = ""
    """Patterns of logical agent ids and hours of on demand: `db-*=200, batch-*=1`."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_file: Path | None = None
    server_timing: bool = False
    """Answers say how long they took in the server."""
    log_format: Literal["text", "json"] = "text"
    peculiarities: Compatibility = field(default_factory=Compatibility)
    """Not a variable itself: each of its fields is one."""

    @property
    def retention_days(self) -> Mapping[str, int]:
        """By what is kept."""
        return {kept: getattr(self, name) for kept, name in _RETENTIONS.items()}

    @property
    def weighs_places(self) -> bool:
        """Whether costs decide, and not the rules of the contract; never in the compatible mode."""
        return self.decision_engine_module == _PLACEMENT and not self.compatibility

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises:
        WrongSetting: a value that cannot be used.
        """
        hints = get_type_hints(cls)
        given: dict[str, object] = dict(_MONOLITH) if _is_monolith(environment) else {}
        for setting in fields(cls):
            name = setting.name.upper()
            if setting.name != "peculiarities" and environment.get(name, "") != "":
                given[setting.name] = _parsed(name, environment[name], hints[setting.name])
        module = given.get("decision_engine_module")
        if isinstance(module, str) and module in _ONLY_CLASS:
            given.setdefault("decision_engine_class", _ONLY_CLASS[module])
        settings = cls(**given, peculiarities=_peculiarities(environment))  # type: ignore[arg-type]  # each parsed after its field's type
        settings._check()
        if settings.database_url:
            return settings
        return replace(settings, database_url=_database_url(environment, settings.data_dir))

    def _check(self) -> None:
        for name in (
            "db_pool_size",
            "port",
            "max_upload_bytes",
            "agent_heartbeat_timeout",
            "replica_monitor_seconds",
            "data_quality_seconds",
        ):
            if getattr(self, name) < 1:
                raise WrongSetting(name.upper(), "must be at least 1")
        for name in (
            "command_lease_seconds",
            "drain_seconds",
            "price_freshness_seconds",
            *_RETENTIONS.values(),
        ):
            if getattr(self, name) < 0:
                raise WrongSetting(name.upper(), "must not be negative")
        for name in ("webhook_url", "slack_webhook_url"):
            url = getattr(self, name)
            if url and not url.startswith(("https://", "http://")):
                raise WrongSetting(name.upper(), "must start with https:// or http://")
        if self.webhook_url or self.webhook_secret:
            try:
                secret_of(self.webhook_secret)
            except ValueError as error:
                raise WrongSetting("WEBHOOK_SECRET", str(error)) from None
        try:
            DowntimeValues.of(self.downtime_values)
        except ValueError as error:
            raise WrongSetting("DOWNTIME_VALUES", str(error)) from None
        if self.replica_monitor_seconds > 59:
            raise WrongSetting("REPLICA_MONITOR_SECONDS", "must be less than a minute")
        period = self.data_quality_seconds
        if period > 3540 or (period > 59 and period % 60):
            raise WrongSetting(
                "DATA_QUALITY_SECONDS", "must be less than a minute, or whole minutes below an hour"
            )
        if self.port > 65535:
            raise WrongSetting("PORT", "must be at most 65535")


_RETENTIONS: Final[Mapping[str, str]] = {name: f"retention_{name}_days" for name in PERIODS}

# What `COMPATIBILITY=monolith` changes beside the peculiarities (ruling R10).
_MONOLITH: Final[Mapping[str, object]] = {
    "admin_auth": "open",
    "command_lease_seconds": 0,
    "price_freshness_seconds": 300,
}


# The class that is meant where a module is named alone.
_ONLY_CLASS: Final[Mapping[str, str]] = {
    "decision_engines.rule_based_engine": "RuleBasedEngine",
    _PLACEMENT: "PlacementDecisionEngine",
}


def _is_monolith(environment: Mapping[str, str]) -> bool:
    return environment.get("COMPATIBILITY") == "monolith"


def _peculiarities(environment: Mapping[str, str]) -> Compatibility:
    chosen = {
        peculiarity.name: _flag(environment.get(peculiarity.name.upper()))
        if environment.get(peculiarity.name.upper())
        else _is_monolith(environment)
        for peculiarity in fields(Compatibility)
    }
    return Compatibility(**chosen)


def _database_url(environment: Mapping[str, str], data_dir: Path) -> str:
    if not any(environment.get(part) for part in _DATABASE_PARTS):
        return f"sqlite:///{data_dir.absolute() / _SQLITE_FILE}"
    if "DB_PASSWORD" not in environment:
        raise WrongSetting("DB_PASSWORD", "must be set with the other DB_ variables")
    port = environment.get("DB_PORT") or "3306"
    if not port.isdigit():
        raise WrongSetting("DB_PORT", f"{port!r} is not a whole number")
    user = quote(environment.get("DB_USER") or "spotuser", safe="")
    password = quote(environment["DB_PASSWORD"], safe="")
    host = environment.get("DB_HOST") or "localhost"
    database = quote(environment.get("DB_NAME") or "spot_optimizer", safe="")
    return f"mysql+pymysql://{user}:{password}@{host}:{port}/{database}"


def _parsed(name: str, value: str, kind: object) -> object:
    if isinstance(kind, UnionType):
        kind = next(option for option in get_args(kind) if option is not type(None))
    if kind is bool:
        return _flag(value)
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise WrongSetting(name, f"{value!r} is not a whole number") from None
    if kind is Path:
        return Path(value)
    options = get_args(kind)
    if options:
        wanted = value.upper() if name == "LOG_LEVEL" else value
        if wanted not in options:
            raise WrongSetting(name, f"{value!r} is none of {', '.join(filter(None, options))}")
        return wanted
    return value


def _flag(value: str | None) -> bool:
    """As the former server reads them: `true` in any case is on, everything else is off."""
    return value is not None and value.strip().lower() == "true"
