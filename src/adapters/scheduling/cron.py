"""When jobs are due, as cron says it: five fields, or six with the seconds first; in UTC."""

from datetime import UTC, datetime

from cronsim import CronSim


class CronSchedule:
    def __init__(self, expression: str) -> None:
        """Raises:
        CronSimError: it is no cron expression.
        """
        self.text = expression
        CronSim(expression, datetime.now(UTC))

    def next_after(self, instant: datetime) -> datetime:
        return next(CronSim(self.text, instant.astimezone(UTC)))
