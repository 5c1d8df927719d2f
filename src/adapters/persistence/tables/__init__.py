"""All 41 tables of contract/schema.md as one catalogue."""

from spot_optimizer.adapters.persistence.tables.agent import agent_configs, agents
from spot_optimizer.adapters.persistence.tables.base import metadata
from spot_optimizer.adapters.persistence.tables.client import clients
from spot_optimizer.adapters.persistence.tables.command import commands, pending_switch_commands
from spot_optimizer.adapters.persistence.tables.decision import (
    agent_decision_history,
    decision_engine_log,
    model_predictions,
    risk_scores,
)
from spot_optimizer.adapters.persistence.tables.instance import instances
from spot_optimizer.adapters.persistence.tables.interruption import (
    spot_interruption_events,
    termination_events,
)
from spot_optimizer.adapters.persistence.tables.journal import (
    audit_logs,
    notifications,
    system_events,
)
from spot_optimizer.adapters.persistence.tables.model import model_registry, model_upload_sessions
from spot_optimizer.adapters.persistence.tables.operations import (
    agent_health_metrics,
    cleanup_logs,
    data_processing_jobs,
)
from spot_optimizer.adapters.persistence.tables.pool import (
    pool_reliability_metrics,
    pool_risk_analysis,
    spot_pools,
)
from spot_optimizer.adapters.persistence.tables.price_buckets import (
    pricing_snapshots_clean,
    pricing_snapshots_interpolated,
    pricing_snapshots_ml,
    pricing_submissions_raw,
)
from spot_optimizer.adapters.persistence.tables.pricing import (
    ondemand_price_snapshots,
    ondemand_prices,
    pricing_reports,
    spot_price_snapshots,
    spot_prices,
)
from spot_optimizer.adapters.persistence.tables.replica import replica_cost_log, replica_instances
from spot_optimizer.adapters.persistence.tables.savings import (
    client_savings_daily,
    client_savings_monthly,
    clients_daily_snapshot,
    cost_records,
    savings_snapshots,
)
from spot_optimizer.adapters.persistence.tables.switch import instance_switches, switches

__all__ = [
    "agent_configs",
    "agent_decision_history",
    "agent_health_metrics",
    "agents",
    "audit_logs",
    "cleanup_logs",
    "client_savings_daily",
    "client_savings_monthly",
    "clients",
    "clients_daily_snapshot",
    "commands",
    "cost_records",
    "data_processing_jobs",
    "decision_engine_log",
    "instance_switches",
    "instances",
    "metadata",
    "model_predictions",
    "model_registry",
    "model_upload_sessions",
    "notifications",
    "ondemand_price_snapshots",
    "ondemand_prices",
    "pending_switch_commands",
    "pool_reliability_metrics",
    "pool_risk_analysis",
    "pricing_reports",
    "pricing_snapshots_clean",
    "pricing_snapshots_interpolated",
    "pricing_snapshots_ml",
    "pricing_submissions_raw",
    "replica_cost_log",
    "replica_instances",
    "risk_scores",
    "savings_snapshots",
    "spot_interruption_events",
    "spot_pools",
    "spot_price_snapshots",
    "spot_prices",
    "switches",
    "system_events",
    "termination_events",
]
