from typing import Any, Final

import msgspec
from sqlalchemy import Engine, select

from spot_optimizer.adapters.persistence.decisions import FLIGHT, output_of
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import decision_engine_log
from spot_optimizer.application.decisions.replay_decision import DecisionNotFound, RecordedDecision
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.decisions.contract import Decision
from spot_optimizer.domain.decisions.record import Flight

# Databases keep the keys of JSON in orders of their own.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")


class SqlDecisionRecords:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def recorded(self, decision_id: int) -> RecordedDecision:
        asked = select(decision_engine_log).where(decision_engine_log.c.id == decision_id)
        with reading(self._engine) as connection:
            row = connection.execute(asked).one_or_none()
        if row is None or not isinstance(row.input_data, dict) or FLIGHT not in row.input_data:
            raise DecisionNotFound
        try:
            flight = _read(row.input_data[FLIGHT], Flight)
            scores = _read(row.output_decision.get("scores", {}), dict[str, float])
        except (msgspec.MsgspecError, AttributeError) as error:
            raise DecisionNotFound from error
        return RecordedDecision(
            engine=EngineIdentity(
                name=row.engine_type,
                version=row.engine_version,
                models_used=tuple(row.models_used or ()),
                session_id=flight.session_id,
                hashes=flight.hashes,
                missing_spot_price_is_free=flight.missing_spot_price_is_free,
            ),
            flight=flight,
            scores=scores,
            output=_ENCODER.encode(row.output_decision),
        )

    def output_of(self, decision: Decision, advice: Advice) -> bytes:
        return _ENCODER.encode(output_of(decision, advice))


def _read(kept: object, kind: Any) -> Any:
    """Figures come back exactly as they were written."""
    return msgspec.json.decode(_ENCODER.encode(kept), type=kind)
