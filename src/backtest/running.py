"""A whole backtest, on as many processes as there are processors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from spot_optimizer.backtest.agents import DeciderFactory
from spot_optimizer.backtest.contestants import Contestant
from spot_optimizer.backtest.oracle import best_course, bill_of
from spot_optimizer.backtest.pieces import Pieces, key_of, trace_fingerprint
from spot_optimizer.backtest.profiles import Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.results import ORACLE, Outcome
from spot_optimizer.backtest.traces import Trace


@dataclass(frozen=True, slots=True)
class _Job:
    """What is still missing of one trace: (key, profile, contestant); None is the oracle, which
    knows the whole trace and decides nothing."""

    trace: Trace
    missing: Sequence[tuple[str, Profile, Contestant | None]]


Progress = Callable[[int, int], None]
"""Told how many of how many traces are done."""


def run(
    traces: Iterable[Trace],
    profiles: Sequence[Profile],
    contestants: Sequence[Contestant],
    pieces: Pieces,
    *,
    processes: int,
    progress: Progress = lambda done, of: None,
) -> Sequence[Outcome]:
    """The outcomes of all contestants and the oracle, in the order of traces, profiles and
    contestants, however many processes there are."""
    keys: list[str] = []
    jobs: list[_Job] = []
    everyone = (None, *contestants)
    for trace in traces:
        printed = trace_fingerprint(trace)
        wanted = [
            (key_of(printed, profile, one.fingerprint if one else ORACLE), profile, one)
            for profile in profiles
            for one in everyone
        ]
        keys += [key for key, _, _ in wanted]
        missing = [one for one in wanted if one[0] not in pieces.known]
        if missing:
            jobs.append(_Job(trace, missing))
    done, total = len(keys) // (len(everyone) * len(profiles)) - len(jobs), len(keys)
    total //= len(everyone) * len(profiles)
    progress(done, total)
    with _finished(jobs, processes) as results:
        for finished in results:
            pieces.keep(finished)
            done += 1
            progress(done, total)
    return [pieces.known[key] for key in keys]


@contextmanager
def _finished(jobs: Sequence[_Job], processes: int) -> Iterator[Iterator[dict[str, Outcome]]]:
    if processes <= 1 or len(jobs) <= 1:
        yield map(_outcomes, jobs)
        return
    # The longest first: otherwise one processor idles while the other ends.
    longest = sorted(jobs, key=lambda job: -job.trace.ticks * len(job.missing))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_outcomes, job) for job in longest]
        try:
            yield (future.result() for future in as_completed(waiting))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _outcomes(job: _Job) -> dict[str, Outcome]:
    trace = job.trace
    profiles = {profile.name: profile for _, profile, _ in job.missing}
    oracle = {
        name: bill_of(best_course(trace, profile), trace, profile)
        for name, profile in profiles.items()
    }
    outcomes = {}
    prepared: dict[str, DeciderFactory] = {}
    for key, profile, contestant in job.missing:
        best = oracle[profile.name]
        if contestant is None:
            outcomes[key] = Outcome.of(trace, profile.name, ORACLE, best, best)
            continue
        if contestant.name not in prepared:
            prepared[contestant.name] = contestant.prepared(trace)
        bill = Replay(trace, profile, prepared[contestant.name]()).run()
        outcomes[key] = Outcome.of(trace, profile.name, contestant.name, bill, best)
    return outcomes
