import gc
from collections.abc import Iterator

import pytest

from spot_optimizer.cli.collector import no_collections


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_collected_meanwhile_and_what_was_made_is_left_alone() -> None:
    with no_collections():
        assert not gc.isenabled()
        made: list[list[object]] = [[] for _ in range(1000)]

    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_it_is_over_after_a_failure_too() -> None:
    with pytest.raises(ValueError, match="wrong"), no_collections():
        raise ValueError("wrong")

    assert gc.isenabled()
