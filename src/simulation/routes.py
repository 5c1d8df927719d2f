"""The routes a simulated fleet calls, as the final table names them."""

from typing import Final

_AGENT: Final = "/api/agents/{agent_id}"

REGISTER: Final = "/api/agents/register"
HEARTBEAT: Final = f"{_AGENT}/heartbeat"
CONFIG: Final = f"{_AGENT}/config"
PENDING_COMMANDS: Final = f"{_AGENT}/pending-commands"
EXECUTED: Final = f"{_AGENT}/commands/{{command_id}}/executed"
MARK_EXECUTED: Final = f"{_AGENT}/mark-command-executed"
PRICING_REPORT: Final = f"{_AGENT}/pricing-report"
SWITCH_REPORT: Final = f"{_AGENT}/switch-report"
CLEANUP_REPORT: Final = f"{_AGENT}/cleanup-report"
REBALANCE: Final = f"{_AGENT}/rebalance-recommendation"
TERMINATION: Final = f"{_AGENT}/termination-imminent"
EMERGENCY_REPLICA: Final = f"{_AGENT}/create-emergency-replica"
REPLICAS: Final = f"{_AGENT}/replicas"
LAUNCHING_REPLICAS: Final = f"{REPLICAS}?status=launching"
REPLICA: Final = f"{REPLICAS}/{{replica_id}}"
REPLICA_STATUS: Final = f"{REPLICA}/status"

AGENT_SETTINGS: Final = "/api/client/agents/{agent_id}/config"
RECOMMENDATION: Final = f"{_AGENT}/switch-recommendation"
ISSUE: Final = f"{_AGENT}/issue-switch-command"

NOT_FOUND: Final = frozenset({404})
