"""`spot-optimizer parity`: does the new server answer as the old one does?"""

from pathlib import Path

from spot_optimizer.cli.failures import FAILED, Failure
from spot_optimizer.cli.parity.asking import Servers
from spot_optimizer.cli.parity.report import markdown


def parity(
    old: str,
    new: str,
    *,
    old_token: str | None,
    new_token: str | None,
    agent_token: str | None,
    recordings: Path | None,
    sample: int,
    report: Path,
    writes: bool,
) -> str:
    """Writes the report; returns what to say of it.

    Raises:
        Failure: the answers differ, or a server does not answer.
    """
    tokens = {"old_token": old_token, "new_token": new_token, "agent_token": agent_token}
    with Servers(old, new, **tokens) as servers:
        if recordings is None:
            servers.shadow(sample)
        else:
            servers.replay(recordings, writes=writes)
        findings = servers.findings
    report.write_text(markdown(findings), encoding="utf-8")
    differing = sum(not pair.verdict.is_same for pair in findings.pairs)
    told = f"{differing} of {len(findings.pairs)} answers differ: see {report}"
    if not findings.is_same:
        raise Failure(told, FAILED)
    return told
