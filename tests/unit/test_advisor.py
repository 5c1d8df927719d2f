"""Pools without a past go by what AWS says of their type and region."""

import json
from pathlib import Path

import pytest

from spot_optimizer.adapters.advisor.bands import BandsUnreadable, SpotAdvisor, bands_in
from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.failures import Failure
from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND, Risk
from tests.builders import AGENT, NOON
from tests.unit.test_placement_engine import Server


class OneBand:
    def __init__(self, band: int) -> None:
        self._band, self.asked = band, list[tuple[str, str]]()

    def band(self, instance_type: str, region: str) -> int:
        self.asked.append((instance_type, region))
        return self._band


def published(folder: Path, **bands: object) -> Path:
    """As AWS does, with one region and more than the bands."""
    said = {name.replace("_", "."): {"s": 70, "r": band} for name, band in bands.items()}
    whole = {
        "ranges": [{"index": 0, "label": "<5%"}],
        "spot_advisor": {"us-east-1": {"Linux": said, "Windows": {"t3.medium": {"r": 4}}}},
    }
    file = folder / "spot-advisor-data.json"
    file.write_text(json.dumps(whole))
    return file


def test_the_packaged_bands_know_the_usual_types() -> None:
    advisor = SpotAdvisor()

    assert advisor.band("m5.large", "us-east-1") in range(5)
    assert advisor.band("t3.medium", "eu-west-1") in range(5)
    assert advisor.band("m5.large", "moon-north-1") == UNKNOWN_BAND
    assert advisor.band("z9.tiny", "us-east-1") == UNKNOWN_BAND


def test_the_operators_file_comes_first(tmp_path: Path) -> None:
    packaged = SpotAdvisor().band("m5.large", "us-east-1")
    file = published(tmp_path, z9_tiny=4, m5_large=(packaged + 1) % 5)
    advisor = SpotAdvisor(file)

    assert advisor.band("z9.tiny", "us-east-1") == 4
    assert advisor.band("m5.large", "us-east-1") != packaged
    assert advisor.band("m5.large", "eu-west-1") == SpotAdvisor().band("m5.large", "eu-west-1")


@pytest.mark.parametrize("band", [-1, 5, True, "1", None, 0.5])
def test_a_band_that_there_is_not_is_left_out(tmp_path: Path, band: object) -> None:
    assert bands_in(published(tmp_path, z9_tiny=band, z9_small=0)) == {("us-east-1", "z9.small"): 0}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"spot_advisor": 7}',
        b"\xff",
        b'{"spot_advisor": {"a": {"Linux": {"b": {}}}}}',
    ],
)
def test_another_file_is_a_wrong_setting(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "advisor.json"
    file.write_bytes(content)

    with pytest.raises(BandsUnreadable):
        bands_in(file)
    with pytest.raises(Failure, match="SPOT_ADVISOR_FILE: is not what the Spot Instance Advisor"):
        settings_from({"SPOT_ADVISOR_FILE": str(file)})


def test_so_is_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"SPOT_ADVISOR_FILE: .*No such file"):
        settings_from({"SPOT_ADVISOR_FILE": str(tmp_path / "none.json")})


def test_a_pool_without_a_past_has_the_risk_of_its_band() -> None:
    server, advisor = Server(), OneBand(4)

    told = MarketPasts(advisor=advisor)(server.work, [server.agent], NOON)[AGENT]

    at = server.agent.placement
    assert advisor.asked == [(at.instance_type, at.region)]
    outlooks = told.outlooks(NOON, 0.04, None)
    assert [one.known_risk for one in outlooks] == [Risk.of_band(4)] * 2
    assert Risk.of_band(4) != Risk.of_band(UNKNOWN_BAND)
