"""One switch reproduces the former server, and nothing of it is on by itself."""

from dataclasses import fields

import pytest

from spot_optimizer.domain.compatibility import Compatibility

NAMES = [field.name for field in fields(Compatibility)]


@pytest.mark.parametrize("name", NAMES)
def test_a_peculiarity_is_off_unless_the_former_server_is_reproduced(name: str) -> None:
    assert getattr(Compatibility(), name) is False
    assert getattr(Compatibility.with_the_monolith(), name) is True


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_had_by_itself(name: str) -> None:
    alone = Compatibility(**{name: True})

    assert [other for other in NAMES if getattr(alone, other)] == [name]
