"""How long what is on record stays there (contract/admin-ml-and-jobs.md 4.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Rows that are deleted by one transaction: what it locks is free again within milliseconds.
MOST_AT_ONCE: Final = 500


class Record(StrEnum):
    """What is kept for a while only. Switches, interruptions, clients, agents, instances, savings
    and price buckets are kept for ever."""

    SPOT_PRICES = "spot_price_snapshots"
    ON_DEMAND_PRICES = "ondemand_price_snapshots"
    RISK_SCORES = "risk_scores"
    ENGINE_LOG = "decision_engine_log"
    PRICING_REPORTS = "pricing_reports"
    PREDICTIONS = "model_predictions"
    SYSTEM_EVENTS = "system_events"
    AUDIT = "audit_logs"
    READ_NOTIFICATIONS = "notifications"
    COMMANDS = "commands"
    LEGACY_COMMANDS = "pending_switch_commands"
    RAW_SUBMISSIONS = "pricing_submissions_raw"
    HEALTH_METRICS = "agent_health_metrics"
    POOL_RISKS = "pool_risk_analysis"
    REPLICA_COSTS = "replica_cost_log"
    CLEANUPS = "cleanup_logs"
    JOB_RUNS = "data_processing_jobs"


# Several records may share one period.
PERIODS: Final[Mapping[str, tuple[Record, ...]]] = {
    "spot_prices": (Record.SPOT_PRICES,),
    "ondemand_prices": (Record.ON_DEMAND_PRICES,),
    "risk_scores": (Record.RISK_SCORES,),
    "engine_log": (Record.ENGINE_LOG,),
    "pricing_reports": (Record.PRICING_REPORTS,),
    "predictions": (Record.PREDICTIONS,),
    "system_events": (Record.SYSTEM_EVENTS,),
    "audit": (Record.AUDIT,),
    "read_notifications": (Record.READ_NOTIFICATIONS,),
    "commands": (Record.COMMANDS, Record.LEGACY_COMMANDS),
    "raw_submissions": (Record.RAW_SUBMISSIONS,),
    "metrics": (
        Record.HEALTH_METRICS,
        Record.POOL_RISKS,
        Record.REPLICA_COSTS,
        Record.CLEANUPS,
        Record.JOB_RUNS,
    ),
}


def days_kept(periods: Mapping[str, int]) -> Mapping[Record, int]:
    """Of each record, from the days of each period; those of 0 days are kept for ever."""
    return {
        record: periods[name]
        for name, records in PERIODS.items()
        for record in records
        if periods[name] > 0
    }


@dataclass(frozen=True, slots=True)
class Deletion:
    """One batch: how many rows went, and where the next one goes on; None is the end."""

    rows: int
    position: object = None
