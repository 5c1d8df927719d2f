import logging
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.sql.dml import ReturningInsert

from spot_optimizer.adapters.persistence.tables import (
    agent_decision_history,
    decision_engine_log,
    risk_scores,
)
from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.decisions.contract import Decision
from spot_optimizer.domain.decisions.record import DecisionRecord, EngineAnswer
from spot_optimizer.domain.values import hourly_price

FLIGHT: Final = "flight"
"""Where all that a decision was made of stands within what the engine was told."""

logger = logging.getLogger(__name__)


class SqlDecisionLog:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, records: Sequence[DecisionRecord]) -> Sequence[int | None]:
        if not records:
            return []
        self._connection.execute(insert(risk_scores), [_risk_row(one) for one in records])
        self._if_possible(agent_decision_history, [_history_row(one) for one in records])
        answered = [(one, one.answer) for one in records if one.answer is not None]
        rows = [_engine_row(one, answer) for one, answer in answered]
        ids = iter(self._if_possible(decision_engine_log, rows, self._telling_ids()))
        return [None if one.answer is None else next(ids, None) for one in records]

    def _telling_ids(self) -> ReturningInsert[int] | None:
        """None where the database, MySQL for one, does not tell them."""
        if not self._connection.dialect.insert_returning:
            return None
        return insert(decision_engine_log).returning(decision_engine_log.c.id)

    def _if_possible(
        self,
        table: Table,
        rows: list[dict[str, Any]],
        telling_ids: ReturningInsert[int] | None = None,
    ) -> Sequence[int]:
        if not rows:
            return []
        try:
            if telling_ids is not None:
                # Rows of a statement are numbered in their order, and told in any.
                return sorted(self._connection.execute(telling_ids, rows).scalars())
            self._connection.execute(insert(table), rows)
        except OperationalError:
            raise  # the connection or the whole transaction is gone, not just these rows
        except SQLAlchemyError:
            logger.exception("could not write %d rows of %s", len(rows), table.name)
        return []


def _risk_row(record: DecisionRecord) -> dict[str, Any]:
    advice = record.advice
    return {
        "client_id": record.client_id,
        "agent_id": record.agent_id,
        "instance_id": record.instance_id,
        "risk_score": Decimal(str(advice.risk_score)),
        "recommended_action": advice.action,
        "recommended_mode": advice.mode,
        "recommended_pool_id": advice.pool_id,
        "expected_savings_per_hour": hourly_price(Decimal(str(advice.expected_savings))),
        "allowed": advice.allowed,
        "reason": advice.reason,
        "model_version": record.model_version,
        "created_at": record.decided_at,
    }


def _history_row(record: DecisionRecord) -> dict[str, Any]:
    advice = record.advice
    return {
        "agent_id": record.agent_id,
        "client_id": record.client_id,
        "decision_type": advice.action,
        "recommended_action": advice.action,
        "recommended_pool_id": advice.pool_id,
        "risk_score": Decimal(str(advice.risk_score)),
        "expected_savings": Decimal(str(advice.expected_savings)),
        "current_mode": record.current_mode,
        "current_pool_id": record.current_pool_id,
        "current_price": record.current_price,
        "decision_time": record.decided_at,
    }


def output_of(decision: Decision, advice: Advice) -> dict[str, Any]:
    """What came out, as it is kept."""
    return {**asdict(decision), "advice": asdict(advice)}


def _engine_row(record: DecisionRecord, answer: EngineAnswer) -> dict[str, Any]:
    return {
        "engine_type": answer.engine,
        "engine_version": answer.version,
        "instance_id": record.instance_id,
        "input_data": {**answer.said, FLIGHT: answer.flight},
        "output_decision": output_of(answer.decision, record.advice),
        "execution_time_ms": answer.took_ms,
        "models_used": list(answer.models_used),
        "created_at": record.decided_at,
    }
