"""What can be set and what it means: told once, and shown by `spot-optimizer settings`, by `--help`,
in the README, in the example of an environment file and in the values of the chart. Tests hold it
against the settings, and those against it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.settings import Settings

# Names that share a meaning stand together; those of the parts of the database have no field.
SETTINGS: Final[Mapping[str, str]] = {
    "DATABASE_URL": "`sqlite:////absolute/file` or `mysql+pymysql://user:password@host:port/database`",
    "DB_HOST, DB_PORT, DB_USER, DB_NAME": (
        "the database in the monolith's words; used when any of them is set and "
        "`DATABASE_URL` is not"
    ),
    "DB_PASSWORD": "must be set with the other `DB_` variables, if only to the empty text",
    "DB_POOL_SIZE": "how many requests of one process use the database at a time",
    "DATA_DIR": "SQLite file, admin token, shared cache of the processes on this machine",
    "HOST": "address to listen on",
    "PORT": "port to listen on",
    "DRAIN_SECONDS": (
        "how long a server goes on serving after SIGTERM, while `/readyz` answers 503 and "
        "connections are closed after their answer, so that proxies look elsewhere; 0: not at all"
    ),
    "REDIS_URL": (
        "shared cache of processes on several machines, which then run [background "
        "jobs](#background-jobs) in processes of their own"
    ),
    "ADMIN_API_TOKEN": "the operator's token; unset: the one in `DATA_DIR`",
    "METRICS_TOKEN": "opens `/metrics`, and nothing else, beside the admin token",
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        "an OpenTelemetry collector that gets a span per request by OTLP over HTTP, such as "
        "`http://127.0.0.1:4318` (needs `pip install spot-optimizer[otel]`)"
    ),
    "ADMIN_AUTH": "`open` lets callers without credentials in as operators",
    "DASHBOARD_DIR": "a built dashboard that is served beside the API, to operators who have logged in",
    "FORWARDED_ALLOW_IPS": (
        "proxies, as addresses or networks separated by commas, whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are believed"
    ),
    "CORS_ALLOW_ORIGINS": "origins, separated by commas; `*` is any, but without credentials",
    "MAX_UPLOAD_BYTES": "the largest body that is read",
    "COMPATIBILITY": "`monolith` reproduces the former server to the letter: see the peculiarities below",
    "COMMAND_LEASE_SECONDS": (
        "how long a delivered command waits for its report before it is handed out again; 0: "
        "hand it out at every poll"
    ),
    "PRICE_FRESHNESS_SECONDS": "prices older than this move nobody",
    "AGENT_HEARTBEAT_TIMEOUT": "seconds of silence after which an agent is offline",
    "MODEL_DIR, DECISION_ENGINE_DIR": (
        "where uploaded model and engine files are kept; unset: `models` and "
        "`decision_engines` in `DATA_DIR`"
    ),
    "MODEL_STORE_URL": (
        "keeps both elsewhere, such as `s3://bucket/folder` (needs `pip install "
        "spot-optimizer[s3]`), wherever [fsspec](https://filesystem-spec.readthedocs.io) "
        "reaches"
    ),
    "ALLOW_UNSAFE_UPLOADS": "also take the monolith's file types (`.pkl`, `.py`, …); they are kept and never opened",
    "ML_STRICT_ACTIVATION": "a model file that cannot be loaded refuses the activation instead of being left out",
    "ENABLE_BACKGROUND_JOBS": "whether there are any [background jobs](#background-jobs) but the next one",
    "ENABLE_REPLICA_COORDINATOR": "whether replicas and open notices are looked after",
    "EMERGENCY_COMMANDS": (
        "an agent whose instance is about to be lost, while no replica is there or coming, "
        "is ordered to the safest pool, or to on demand"
    ),
    "REPLICA_MONITOR_SECONDS": "how often `replica_monitor` looks; at most 59",
    "DATA_QUALITY_SECONDS": "how often `pricing_data_quality` looks; at most 59, or whole minutes below an hour",
    "WEBHOOK_URL, WEBHOOK_SECRET": "who is told of notifications and interruptions, see [webhooks](#webhooks)",
    "SLACK_WEBHOOK_URL": "the same for a channel of Slack: an incoming webhook",
    "GROWTH_BACKFILL_ON_EMPTY": "gives the chart of clients of a new installation a month that is made up",
    "RETENTION_SPOT_PRICES_DAYS, RETENTION_ONDEMAND_PRICES_DAYS, RETENTION_RISK_SCORES_DAYS, RETENTION_ENGINE_LOG_DAYS": (
        "after how many days reported prices, risk scores and decisions are deleted; 0: "
        "never, as below"
    ),
    "RETENTION_PRICING_REPORTS_DAYS, RETENTION_PREDICTIONS_DAYS, RETENTION_RAW_SUBMISSIONS_DAYS": "the same of price reports, predictions and submitted prices",
    "RETENTION_SYSTEM_EVENTS_DAYS, RETENTION_AUDIT_DAYS, RETENTION_READ_NOTIFICATIONS_DAYS": "the same of events, audit entries and notifications that have been read",
    "RETENTION_COMMANDS_DAYS, RETENTION_METRICS_DAYS": (
        "the same of commands that are over, and of health samples, clean-up reports and "
        "runs of jobs"
    ),
    "DECISION_ENGINE_MODULE, DECISION_ENGINE_CLASS": (
        "the engine; the monolith's default names stand for the built-in rules, the module "
        "`decision_engines.placement_engine` for [placement](#placement), which needs no class"
    ),
    "SPOT_ADVISOR_FILE": (
        "newer bands of the Spot Instance Advisor for [placement](#placement) than those that come "
        "with the server, as AWS publishes them: "
        "`https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json`"
    ),
    "DOWNTIME_VALUES": (
        "what an hour of downtime is worth to [placement](#placement), in hours of on demand, by "
        "patterns of logical agent ids, the first that fits: `db-*=200, batch-*=1`; 20 for others"
    ),
    "LOG_LEVEL": "`DEBUG` also logs a line per request",
    "LOG_FILE": "log to this file too",
    "SERVER_TIMING": "every answer says how long it took inside the server, in a `Server-Timing` header",
    "LOG_FORMAT": "`json`: each line an object, with the ids of its request, agent, command and decision",
}

PECULIARITIES: Final[Mapping[str, str]] = {
    "REFUSE_UNREADABLE_REPORTS": (
        "a time, price or list that cannot be read refuses the whole report instead of being "
        "left out"
    ),
    "STRICT_REGISTRATION": "unknown fields, a `pool_id` and `null` for an optional field refuse a registration",
    "REFUSE_ABSENT_BODY": "an agent's POST without a body is refused (415) instead of being taken as `{}`",
    "REFUSE_FOREIGN_INSTANCE": (
        "registering from another client's instance, or reporting a switch to it, is refused "
        "instead of leaving that row alone"
    ),
    "DELETION_IS_NOT_FINAL": "a deleted agent keeps its settings and comes back by a heartbeat",
    "REGISTRATION_LEAVES_INSTANCES": "registration writes no pool to a new instance row and does not touch a known one",
    "REGISTRATION_ALWAYS_MOVES_PRIMARY": "standbys and former instances become primary when they register or report a switch",
    "KEEP_POOL_ON_HEARTBEAT": "a heartbeat that changes mode or zone leaves the pool as it was",
    "LAST_EXECUTION_REPORT_WINS": "a finished command takes over every later report",
    "FORMER_SWITCH_REPORT_NAMES": "only `pricing` and the unprefixed names of times are read from a switch report",
    "SWITCH_REPORT_TOUCHES_LITTLE": "a switch report does not complete or supersede commands and leaves the agent's place",
    "PRICE_REPORT_OVERWRITES": "prices missing from a report empty those of the instance",
    "TERMINATION_SPARES_INSTANCE": "a termination report does not close the instance that it names",
    "MISSING_SPOT_PRICE_IS_FREE": "a missing spot price counts as 0 USD in a recommendation",
    "UNKNOWN_POOL_HIDES_ALTERNATIVES": "an agent without a current pool is offered no other",
    "DELETION_LEAVES_ORPHANS": (
        "deleting a client leaves its agents' replicas, interruptions and log of instance switches"
    ),
    "AGENT_LIST_KNOWS_INSTANCES_ONLY": (
        "the operator's list of agents shows no type, place or mode where the instance row "
        "is missing"
    ),
    "ONLY_COUNTED_REPLICAS_END": "turning manual replicas off ends none while the agent's counter of them is 0",
    "UNSAID_TOGGLE_READS_DISABLED": "toggling an agent without saying how enables it, and the event says disabled",
    "FORMER_MODEL_SESSIONS": (
        "uploaded models are kept without hashes and never opened or registered; a fallback "
        "newer than the live session stays beside it"
    ),
    "COMMANDS_NEVER_EXPIRE": "pending commands are handed out whatever their age",
    "ROWS_CHANGE_BENEATH": (
        "rows come and go beneath the server, as from one recording to the next: it "
        "remembers none of the prices it has put on record"
    ),
    "REPLICA_CHANGES_TOUCH_LITTLE": (
        "the report of a machine dates no readiness, a replica reported failed or terminated "
        "stays counted, and ending one leaves its instance"
    ),
    "PROMOTION_TOUCHES_LITTLE": (
        "a promotion leaves the agent's place and commands, dates no end of the old instance "
        "and does not count it as the standby that it is now"
    ),
    "PLACEHOLDERS_ARE_PROMOTED": "a replica that nobody has launched, or that is the primary already, can be promoted",
    "NOTICES_LEAVE_LITTLE": (
        "a termination notice that nobody can meet is kept again at every repeat, one that "
        "is met leaves no event of its own, and nothing fails over by itself"
    ),
    "EMERGENCIES_NEED_PRICES": "an emergency replica goes only to a pool whose price is known",
    "REPLICA_LIST_IS_PLAIN": (
        "the list of replicas ignores the status asked for and tells nothing of a pool that "
        "is not on record"
    ),
}


SECRETS: Final = frozenset(
    {
        "DATABASE_URL",
        "DB_PASSWORD",
        "REDIS_URL",
        "ADMIN_API_TOKEN",
        "METRICS_TOKEN",
        "WEBHOOK_SECRET",
        "SLACK_WEBHOOK_URL",
    }
)
"""What opens something, or holds what does."""

FIXED_BY_CHART: Final = frozenset({"HOST", "PORT", "DATA_DIR"})

_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")

_PARTS: Final[Mapping[str, str]] = {
    "DB_HOST": "localhost",
    "DB_PORT": "3306",
    "DB_USER": "spotuser",
    "DB_NAME": "spot_optimizer",
    "DB_PASSWORD": "",
}


def default_of(name: str) -> str:
    """As it would be written; empty where a setting is unset."""
    if name in _PARTS:
        return _PARTS[name]
    defaults = {field.name.upper(): field.default for field in fields(Settings)}
    value = defaults.get(name, False)  # a peculiarity
    return "" if value is None else str(value)


def plain(meaning: str) -> str:
    """Without the links of the README."""
    return _LINK.sub(r"\1", meaning)


def names() -> Iterator[str]:
    """Of everything that can be set."""
    for group in SETTINGS:
        yield from group.split(", ")
    yield from (field.name.upper() for field in fields(Compatibility))


def settings_table() -> str:
    """Markdown, for the README."""
    rows = []
    for group, meaning in SETTINGS.items():
        members = group.split(", ")
        shown = [f"`{default_of(name)}`" if default_of(name) else "" for name in members]
        known = ", ".join(filter(None, shown)) or "\N{EN DASH}"
        rows.append(f"| {', '.join(f'`{name}`' for name in members)} | {known} | {meaning} |")
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows])


def peculiarities_table() -> str:
    """Markdown, for the README."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in PECULIARITIES.items()]
    return "\n".join(["| Variable | When on |", "|---|---|", *rows])


def environment_file() -> str:
    """An example in which everything is as it is when nothing is set."""
    lines = ["# Settings of spot-optimizer; made by `spot-optimizer settings --environment`."]
    for group, meaning in SETTINGS.items():
        lines += ["", f"# {plain(meaning)}"]
        lines += [f"#{name}={default_of(name)}" for name in group.split(", ")]
    lines += ["", "# Peculiarities of the monolith, each False unless COMPATIBILITY=monolith."]
    lines += [f"#{name}=False" for name in PECULIARITIES]
    return "\n".join(lines) + "\n"


def chart_values() -> str:
    """The end of the chart's values: what is neither secret nor the chart's own business."""
    lines = [
        "# Made by `make chart` from here on. What is empty is as the comment says, or unset.",
        "settings:",
    ]
    for group, meaning in {**SETTINGS, **PECULIARITIES}.items():
        shown = [name for name in group.split(", ") if name not in SECRETS | FIXED_BY_CHART]
        if shown:
            lines.append(f"  # {plain(meaning)}")
        for name in shown:
            default = default_of(name)
            lines.append(f'  {name}: ""{f" # {default}" if default else ""}')
    return "\n".join(lines) + "\n"


def plain_text() -> str:
    """For people at a terminal."""
    told = []
    for group, meaning in SETTINGS.items():
        for name in group.split(", "):
            default = default_of(name)
            told.append(f"{name}{f' [{default}]' if default else ''}\n    {plain(meaning)}")
    told += [f"{name} [False]\n    {meaning}" for name, meaning in PECULIARITIES.items()]
    return "\n".join(told)
