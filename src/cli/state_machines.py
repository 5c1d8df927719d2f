"""The documentation of the state machines, drawn from the tables that the rules use."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from spot_optimizer.domain import jobs
from spot_optimizer.domain.agents import life_cycle as agents
from spot_optimizer.domain.commands import command as commands
from spot_optimizer.domain.replicas import life_cycle as replicas
from spot_optimizer.domain.state_machine import Arrow

_HEAD: Final = """\
# State machines

Drawn from the tables in the code by `make diagrams`; a test compares them. What is not drawn does
not happen.
"""

_MACHINES: Final[Sequence[tuple[str, str, Sequence[Arrow[Any, Any]], StrEnum]]] = (
    ("Agent", "src/domain/agents/life_cycle.py", agents.ARROWS, agents.AgentStatus.ONLINE),
    (
        "Command",
        "src/domain/commands/command.py",
        commands.ARROWS,
        commands.CommandStatus.PENDING,
    ),
    (
        "Replica",
        "src/domain/replicas/life_cycle.py",
        replicas.ARROWS,
        replicas.ReplicaStatus.LAUNCHING,
    ),
    ("Run of a job", "src/domain/jobs.py", jobs.ARROWS, jobs.RunStatus.WAITING),
)


def document() -> str:
    """Markdown with a Mermaid diagram and a table for each machine."""
    return _HEAD + "".join(_section(*machine) for machine in _MACHINES)


def _section(name: str, path: str, arrows: Sequence[Arrow[Any, Any]], first: StrEnum) -> str:
    drawn = "\n".join(
        f"    {source} --> {arrow.target}: {arrow.event}"
        for arrow in arrows
        for source in arrow.sources
    )
    rows = "\n".join(
        f"| {', '.join(arrow.sources)} | {arrow.event} | {arrow.target} "
        f"| {arrow.guard} | {arrow.effect} |"
        for arrow in arrows
    )
    return f"""
## {name}

The table is `ARROWS` in [`{path}`](../{path}).

```mermaid
stateDiagram-v2
    [*] --> {first}
{drawn}
```

| From | Event | To | When | Effect |
|---|---|---|---|---|
{rows}
"""
