"""`spot-optimizer decisions`: looking at what was decided."""

import sys

from spot_optimizer.application.ports.decision_engine import EngineNotLoaded
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.bootstrap import Container
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.databases import parse, place
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, Failure
from spot_optimizer.domain.errors import NotFound


def replay(decision_id: int) -> None:
    """The decision as it comes out now, as JSON on standard output.

    Raises:
        Failure: it cannot be made again, or comes out otherwise.
    """
    settings = settings_from()
    container = Container(settings=settings)
    try:
        replayed = container.replay_decision()(decision_id)
    except (NotFound, EngineNotLoaded, ModelFilesUnavailable) as error:
        raise Failure(f"Decision {decision_id} cannot be made again: {error}", FAILED) from error
    except StoreUnavailable as error:
        where = place(parse(settings.database_url))
        raise Failure(f"Cannot reach the database at {where}", DATABASE_UNUSABLE) from error
    finally:
        container.reading_engine().dispose()
    sys.stdout.write(replayed.output.decode() + "\n")
    if not replayed.is_same:
        sys.stderr.write(f"On record: {replayed.recorded.decode()}\n")
        raise Failure(f"Decision {decision_id} comes out otherwise", FAILED)
    sys.stderr.write(f"Decision {decision_id} comes out as it did, byte for byte\n")
