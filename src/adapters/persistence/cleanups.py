from sqlalchemy import Connection, insert

from spot_optimizer.adapters.persistence.tables import cleanup_logs
from spot_optimizer.domain.cleanups import CleanupReport


class SqlCleanupLog:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, report: CleanupReport) -> None:
        tidied = report.tidied
        self._connection.execute(
            insert(cleanup_logs).values(
                agent_id=report.agent_id,
                client_id=report.client_id,
                cleanup_type="full",
                deleted_snapshots_count=tidied.snapshots,
                deleted_amis_count=tidied.amis,
                failed_count=tidied.failed,
                details=dict(tidied.as_received),
                cutoff_date=tidied.cutoff_at,
                executed_at=report.executed_at,
            )
        )
