"""Background jobs as Dramatiq actors: who is sent a run runs it."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Callbacks, Retries, ShutdownNotifications, TimeLimit

from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.domain.jobs import RunId

QUEUE: Final = "jobs"
_SHORTEST_BACKOFF_MS: Final = 15_000
_LONGEST_BACKOFF_MS: Final = 5 * 60_000
# A letter that nobody wanted: they are for looking at, so the newest are enough.
_DEAD_LETTERS_KEPT: Final = 100

RunsJobs = Callable[[str, RunId], object]


def in_memory_broker() -> StubBroker:
    """For the jobs of one process. What waits in it is lost with it, and sent again."""
    broker = StubBroker(common_middleware())
    broker.dead_letters_by_queue = defaultdict(_few)
    return broker


def _few() -> Any:
    """A list as far as the broker is concerned, which only appends to it."""
    return deque(maxlen=_DEAD_LETTERS_KEPT)


def declare_actors(broker: dramatiq.Broker, jobs: Sequence[Job], run: RunsJobs) -> None:
    for job in jobs:
        dramatiq.actor(
            broker=broker,
            actor_name=job.name,
            queue_name=QUEUE,
            max_retries=job.retries,
            min_backoff=_SHORTEST_BACKOFF_MS,
            max_backoff=_LONGEST_BACKOFF_MS,
            time_limit=int(job.time_limit.total_seconds() * 1000),
        )(_actor(job.name, run))


def _actor(name: str, run: RunsJobs) -> Callable[[int], None]:
    def perform(run_id: int) -> None:
        run(name, RunId(run_id))

    return perform


def common_middleware() -> list[Any]:
    return [AgeLimit(), TimeLimit(), ShutdownNotifications(), Callbacks(), Retries()]


class DramatiqJobQueue:
    def __init__(self, broker: dramatiq.Broker, failures: tuple[type[Exception], ...] = ()) -> None:
        """The failures are those of a broker that cannot be reached."""
        self._broker = broker
        self._failures = failures

    def send(self, job: str, run_id: RunId) -> None:
        try:
            self._broker.get_actor(job).send(run_id)
        except self._failures as error:
            raise StoreUnavailable("the broker does not answer") from error
