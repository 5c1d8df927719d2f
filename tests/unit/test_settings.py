from dataclasses import fields
from pathlib import Path

import pytest

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.retention import PERIODS
from spot_optimizer.settings import Settings, WrongSetting

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
READ = [
    ("DATABASE_URL", "mysql://u@h/d", "mysql://u@h/d"),
    ("DB_POOL_SIZE", "3", 3),
    ("DATA_DIR", "elsewhere", Path("elsewhere")),
    ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104  only parsed
    ("PORT", "8080", 8080),
    ("DRAIN_SECONDS", "0", 0),
    ("REDIS_URL", "redis://cache:6379/1", "redis://cache:6379/1"),
    ("ADMIN_API_TOKEN", "secret", "secret"),
    ("ADMIN_AUTH", "open", "open"),
    ("DASHBOARD_DIR", "/srv/dashboard", Path("/srv/dashboard")),
    ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,::1", "10.0.0.0/8,::1"),
    ("CORS_ALLOW_ORIGINS", "https://a.test", "https://a.test"),
    ("MAX_UPLOAD_BYTES", "1024", 1024),
    ("COMPATIBILITY", "monolith", "monolith"),
    ("COMMAND_LEASE_SECONDS", "0", 0),
    ("PRICE_FRESHNESS_SECONDS", "0", 0),
    ("AGENT_HEARTBEAT_TIMEOUT", "60", 60),
    ("ENABLE_BACKGROUND_JOBS", "false", False),
    ("MODEL_DIR", "models", Path("models")),
    ("DECISION_ENGINE_DIR", "engines", Path("engines")),
    ("MODEL_STORE_URL", "s3://bucket/models", "s3://bucket/models"),
    ("ALLOW_UNSAFE_UPLOADS", "True", True),
    ("ML_STRICT_ACTIVATION", "True", True),
    ("ENABLE_REPLICA_COORDINATOR", "False", False),
    ("EMERGENCY_COMMANDS", "true", True),
    ("GROWTH_BACKFILL_ON_EMPTY", "False", False),
    *((f"RETENTION_{kept.upper()}_DAYS", "5", 5) for kept in PERIODS),
    ("WEBHOOK_SECRET", SECRET, SECRET),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.test/x", "https://hooks.slack.test/x"),
    ("REPLICA_MONITOR_SECONDS", "2", 2),
    ("DATA_QUALITY_SECONDS", "59", 59),
    ("DATA_QUALITY_SECONDS", "60", 60),
    ("DATA_QUALITY_SECONDS", "3540", 3540),
    ("DECISION_ENGINE_MODULE", "mine", "mine"),
    ("DECISION_ENGINE_CLASS", "Mine", "Mine"),
    ("SPOT_ADVISOR_FILE", "/srv/advisor.json", Path("/srv/advisor.json")),
    ("DOWNTIME_VALUES", "db-*=200, batch-*=1", "db-*=200, batch-*=1"),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_FILE", "server.log", Path("server.log")),
    ("SERVER_TIMING", "true", True),
    ("LOG_FORMAT", "json", "json"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "http://collector:4318"),
    ("METRICS_TOKEN", "scraper", "scraper"),
]
WRONG = [
    ("DB_POOL_SIZE", "ten"),
    ("DB_POOL_SIZE", "0"),
    ("PORT", "http"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("DRAIN_SECONDS", "-1"),
    ("ADMIN_AUTH", "closed"),
    ("MAX_UPLOAD_BYTES", "-1"),
    ("MAX_UPLOAD_BYTES", "1.5"),
    ("COMPATIBILITY", "microservices"),
    ("COMMAND_LEASE_SECONDS", "-1"),
    ("PRICE_FRESHNESS_SECONDS", "-1"),
    ("AGENT_HEARTBEAT_TIMEOUT", "0"),
    ("REPLICA_MONITOR_SECONDS", "0"),
    ("REPLICA_MONITOR_SECONDS", "60"),
    ("DATA_QUALITY_SECONDS", "0"),
    ("DATA_QUALITY_SECONDS", "61"),
    ("DATA_QUALITY_SECONDS", "3600"),
    ("LOG_LEVEL", "LOUD"),
    ("RETENTION_AUDIT_DAYS", "-1"),
    ("WEBHOOK_URL", "file:///etc/passwd"),
    ("SLACK_WEBHOOK_URL", "gopher://127.0.0.1"),
    ("WEBHOOK_SECRET", "whsec_tooshort"),
    ("WEBHOOK_SECRET", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
]
PECULIARITIES = [field.name for field in fields(Compatibility)]


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


@pytest.mark.parametrize(("name", "text", "value"), READ, ids=[name for name, _, _ in READ])
def test_a_variable_is_read(name: str, text: str, value: object) -> None:
    assert getattr(read(**{name: text}), name.lower()) == value


def test_every_variable_is_tried_here() -> None:
    known = {field.name.upper() for field in fields(Settings)} - {"PECULIARITIES"}

    assert known == {"WEBHOOK_URL"} | {name for name, _, _ in READ}


def test_the_module_of_an_engine_is_enough() -> None:
    module = "decision_engines.placement_engine"

    assert read(DECISION_ENGINE_MODULE=module).decision_engine_class == "PlacementDecisionEngine"
    named = read(DECISION_ENGINE_MODULE=module, DECISION_ENGINE_CLASS="Other")
    assert named.decision_engine_class == "Other"
    assert read(DECISION_ENGINE_MODULE="none").decision_engine_class == "MLBasedDecisionEngine"


def test_costs_decide_where_the_engine_counts_them_unless_the_mode_is_compatible() -> None:
    module = "decision_engines.placement_engine"

    assert read(DECISION_ENGINE_MODULE=module).weighs_places
    assert not read().weighs_places
    assert not read(DECISION_ENGINE_MODULE=module, COMPATIBILITY="monolith").weighs_places


def test_a_webhook_needs_a_secret() -> None:
    url = "https://hooks.test/x"

    assert read(WEBHOOK_URL=url, WEBHOOK_SECRET=SECRET).webhook_url == url
    with pytest.raises(WrongSetting, match=r"^WEBHOOK_SECRET: must be whsec_ and the base64"):
        read(WEBHOOK_URL=url)


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_value_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=f"^{name}: ") as refused:
        read(**{name: text})

    assert refused.value.name == name


@pytest.mark.parametrize("name", [name for name, _, _ in READ])
def test_an_empty_variable_is_an_unset_one(name: str) -> None:
    assert read(**{name: ""}) == read()


def test_nothing_needs_to_be_set() -> None:
    settings = read()

    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 5000, Path("data"))
    assert settings.database_url == f"sqlite:///{Path('data').absolute()}/spot-optimizer.sqlite3"
    assert (settings.redis_url, settings.admin_api_token, settings.log_file) == (None, None, None)
    assert settings.enable_background_jobs
    assert settings.admin_auth == "token"


@pytest.mark.parametrize(
    ("text", "is_on"),
    [
        *(("true", True), ("True", True), ("TRUE", True), (" true ", True)),
        *(("false", False), ("False", False), ("1", False), ("yes", False), ("on", False)),
    ],
)
def test_only_true_is_on(text: str, is_on: bool) -> None:
    settings = read(ENABLE_BACKGROUND_JOBS=text, COMMANDS_NEVER_EXPIRE=text)

    assert settings.enable_background_jobs is is_on
    assert settings.peculiarities.commands_never_expire is is_on


class TestDatabase:
    def test_the_embedded_one_is_in_the_data_folder(self) -> None:
        url = read(DATA_DIR="/srv/fleet").database_url

        assert url == "sqlite:////srv/fleet/spot-optimizer.sqlite3"

    def test_the_parts_have_the_defaults_of_the_former_server(self) -> None:
        url = read(DB_PASSWORD="secret").database_url

        assert url == "mysql+pymysql://spotuser:secret@localhost:3306/spot_optimizer"

    def test_the_parts_make_a_url(self) -> None:
        url = read(
            DB_HOST="db.test", DB_PORT="3307", DB_USER="a@b", DB_PASSWORD="p:w/d", DB_NAME="fleet"
        ).database_url

        assert url == "mysql+pymysql://a%40b:p%3Aw%2Fd@db.test:3307/fleet"

    def test_a_password_may_be_empty_but_not_missing(self) -> None:
        assert "spotuser:@db.test" in read(DB_HOST="db.test", DB_PASSWORD="").database_url

    @pytest.mark.parametrize("part", ["DB_HOST", "DB_PORT", "DB_USER", "DB_NAME"])
    def test_a_part_without_password_is_refused(self, part: str) -> None:
        with pytest.raises(WrongSetting, match=r"^DB_PASSWORD: "):
            read(**{part: "3306"})

    def test_the_port_is_a_number(self) -> None:
        with pytest.raises(WrongSetting, match=r"^DB_PORT: "):
            read(DB_PASSWORD="secret", DB_PORT="mysql")

    def test_a_whole_url_is_stronger_than_its_parts(self) -> None:
        settings = read(DATABASE_URL="mysql://u@h/d", DB_HOST="db.test", DB_PORT="mysql")

        assert settings.database_url == "mysql://u@h/d"


class TestCompatibility:
    def test_all_peculiarities_are_off(self) -> None:
        assert read().peculiarities == Compatibility()

    def test_the_former_server_had_them_all(self) -> None:
        settings = read(COMPATIBILITY="monolith")

        assert settings.peculiarities == Compatibility.with_the_monolith()
        assert settings.admin_auth == "open"
        assert settings.command_lease_seconds == 0
        assert settings.price_freshness_seconds == 300

    def test_what_it_changes_beside_them_can_be_set_all_the_same(self) -> None:
        settings = read(
            COMPATIBILITY="monolith",
            ADMIN_AUTH="token",
            COMMAND_LEASE_SECONDS="30",
            PRICE_FRESHNESS_SECONDS="60",
        )

        assert settings.admin_auth == "token"
        assert (settings.command_lease_seconds, settings.price_freshness_seconds) == (30, 60)

    @pytest.mark.parametrize("name", PECULIARITIES)
    def test_each_can_be_had_alone(self, name: str) -> None:
        assert read(**{name.upper(): "true"}).peculiarities == Compatibility(**{name: True})

    @pytest.mark.parametrize("name", PECULIARITIES)
    def test_each_can_be_left_out_alone(self, name: str) -> None:
        all_but_one = dict.fromkeys(PECULIARITIES, True) | {name: False}
        settings = read(COMPATIBILITY="monolith", **{name.upper(): "false"})

        assert settings.peculiarities == Compatibility(**all_but_one)
