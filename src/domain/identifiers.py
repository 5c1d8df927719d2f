"""Names of things. All are opaque text, compared exactly."""

from typing import Final, NewType

ClientId = NewType("ClientId", str)
AgentId = NewType("AgentId", str)
LogicalAgentId = NewType("LogicalAgentId", str)
InstanceId = NewType("InstanceId", str)
PoolId = NewType("PoolId", str)
CommandId = NewType("CommandId", str)
SwitchId = NewType("SwitchId", str)
ReplicaId = NewType("ReplicaId", str)
ReportId = NewType("ReportId", str)
NotificationId = NewType("NotificationId", str)

# The narrowest column on the path of each value (contract/schema.md section 7).
INSTANCE_ID_LENGTH: Final = 50
POOL_ID_LENGTH: Final = 100
INSTANCE_TYPE_LENGTH: Final = 50
REGION_LENGTH: Final = 32
ZONE_LENGTH: Final = 48
AMI_ID_LENGTH: Final = 50
LOGICAL_AGENT_ID_LENGTH: Final = 255
HOSTNAME_LENGTH: Final = 255
VERSION_LENGTH: Final = 32
ADDRESS_LENGTH: Final = 45


def pool_of(instance_type: str, zone: str) -> PoolId:
    """A spot pool is one instance type in one availability zone."""
    return PoolId(f"{instance_type}.{zone}")


def zone_of(pool_id: PoolId) -> str:
    """The text after the last dot: the instance type contains one itself."""
    return pool_id.rpartition(".")[2]


def is_real_instance(instance_id: InstanceId) -> bool:
    """Whether AWS gave the id; until a replica is launched, a placeholder stands for it."""
    return instance_id.startswith("i-")
