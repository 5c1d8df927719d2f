"""Reading recorded prices, and the market made of them."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from spot_optimizer.simulation.market import NoPrice, RecordedMarket, WalkingMarket, open_market
from spot_optimizer.simulation.packaged_prices import list_price, packaged_instant
from spot_optimizer.simulation.pools import Pool, region_of
from spot_optimizer.simulation.prices import MOST_GROUPS, PriceSteps, read_prices
from spot_optimizer.simulation.trace_files import UnreadableTrace

A = Pool("us-east-1", "m5.large", "us-east-1a")
B = Pool("us-east-1", "m5.large", "us-east-1b")
LONELY = Pool("us-east-1", "c5.large", "us-east-1a")
HEADER = "timestamp,region,az,instance_type,price_usd_hour\n"
CSV = (
    HEADER
    + "2021-01-01T00:00:00Z,us-east-1,us-east-1a,m5.large,0.0400\n"
    + "2021-01-01T00:00:00Z,us-east-1,us-east-1b,m5.large,0.0300\n"
    + "2021-01-01T02:00:00Z,us-east-1,us-east-1a,m5.large,0.0500\n"
    + "2021-01-01T03:00:00Z,us-east-1,us-east-1a,c5.large,0.0200\n"
)
STEPS_OF_A = PriceSteps(
    (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, 2, tzinfo=UTC)),
    (Decimal("0.0400"), Decimal("0.0500")),
)


def written(folder: Path, content: str | bytes, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def an_aws_entry(**changes: str) -> dict[str, str]:
    return {
        "AvailabilityZone": "us-east-1a",
        "InstanceType": "m5.large",
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": "0.040000",
        "Timestamp": "2021-01-01T00:00:00+00:00",
    } | changes


class TestReadingCsv:
    @pytest.mark.parametrize("packed", [False, True])
    def test_plain_and_gzip_give_the_same_steps(self, tmp_path: Path, packed: bool) -> None:
        content = gzip.compress(CSV.encode(), mtime=0) if packed else CSV.encode()

        history = read_prices(written(tmp_path, content))

        assert history[A] == STEPS_OF_A
        assert history[B].prices == (Decimal("0.0300"),)

    def test_a_type_in_one_zone_only_is_left_out_when_others_have_several(
        self, tmp_path: Path
    ) -> None:
        path = written(tmp_path, CSV)

        assert LONELY not in read_prices(path)
        assert LONELY in read_prices(path, wanted=[LONELY.group])

    def test_a_type_in_one_zone_is_better_than_none(self, tmp_path: Path) -> None:
        path = written(tmp_path, HEADER + CSV.splitlines()[-1])

        assert list(read_prices(path)) == [LONELY]

    def test_a_large_file_is_cut_to_a_manageable_set_of_types(self, tmp_path: Path) -> None:
        rows = [
            f"2021-01-01T00:00:00Z,us-east-1,us-east-1{letter},t{number}.large,0.1"
            for number in range(MOST_GROUPS + 10)
            for letter in "ab"
        ]

        assert len(read_prices(written(tmp_path, HEADER + "\n".join(rows)))) == 2 * MOST_GROUPS


class TestReadingAwsJson:
    def test_what_the_aws_command_prints_is_read_in_order_of_time(self, tmp_path: Path) -> None:
        entries = [
            an_aws_entry(SpotPrice="0.050000", Timestamp="2021-01-01T02:00:00.000Z"),
            an_aws_entry(),
            an_aws_entry(AvailabilityZone="us-east-1b", SpotPrice="0.030000"),
        ]
        path = written(tmp_path, json.dumps({"SpotPriceHistory": entries}, indent=4), "aws.json")

        history = read_prices(path)

        assert history[A] == STEPS_OF_A
        assert history[B].prices == (Decimal("0.030000"),)

    def test_other_systems_than_linux_are_left_out(self, tmp_path: Path) -> None:
        entries = [an_aws_entry(), an_aws_entry(ProductDescription="Windows", SpotPrice="9")]
        path = written(tmp_path, json.dumps({"SpotPriceHistory": entries}))

        assert read_prices(path)[A].prices == (Decimal("0.040000"),)

    @pytest.mark.parametrize(
        ("az", "region"),
        [
            ("us-east-1a", "us-east-1"),
            ("us-gov-west-1b", "us-gov-west-1"),
            ("us-west-2-lax-1a", "us-west-2"),
            ("somewhere", ""),
        ],
    )
    def test_the_region_is_told_by_the_zone(self, az: str, region: str) -> None:
        assert region_of(az) == region


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "has no column timestamp"),
            ("timestamp,region,az,instance_type\n", "has no column price_usd_hour"),
            (HEADER, "holds no Linux/UNIX spot price"),
            (HEADER + "2021-01-01,us-east-1,us-east-1a,m5.large,cheap\n", "'cheap' is not a price"),
            (HEADER + "2021-01-01,us-east-1,us-east-1a,m5.large,-1\n", "'-1' is not a price"),
            (HEADER + "2021-01-01,us-east-1,us-east-1a,m5.large,NaN\n", "'NaN' is not a price"),
            (HEADER + "today,us-east-1,us-east-1a,m5.large,1\n", "line 2: 'today' is not a time"),
            (HEADER + "2021-01-01,us-east-1\n", "line 2: a value is missing"),
            ('{"SpotPriceHistory": [', "is not JSON"),
            ('{"Reservations": []}', 'has no list "SpotPriceHistory"'),
            ('{"SpotPriceHistory": [3]}', "entry 1: is not an object"),
            ('{"SpotPriceHistory": [{}]}', "entry 1: lacks one of"),
            (gzip.compress(CSV.encode(), mtime=0)[:-20], "is damaged gzip"),
            (b"\x1f\x8b" + b"no gzip at all", "is damaged gzip"),
            (b"\xff\xfe\x00\x01", "is not text in UTF-8"),
        ],
    )
    def test_the_error_names_file_and_reason(
        self, tmp_path: Path, content: str | bytes, reason: str
    ) -> None:
        path = written(tmp_path, content)

        with pytest.raises(UnreadableTrace) as raised:
            read_prices(path)

        assert raised.value.path == path
        assert reason in raised.value.reason
        assert str(raised.value) == f"{path}: {raised.value.reason}"
        assert "\n" not in str(raised.value)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableTrace, match="No such file"):
            read_prices(tmp_path / "nowhere.csv")

    def test_types_without_a_list_price_cannot_be_compared(self, tmp_path: Path) -> None:
        path = written(tmp_path, HEADER + "2021-01-01,us-east-1,us-east-1a,x99.huge,1\n")

        with pytest.raises(
            UnreadableTrace, match=r"no on-demand list price is known for x99\.huge"
        ):
            open_market(path, seed=1)


class TestRecordedMarket:
    def market(self) -> RecordedMarket:
        history = {A: STEPS_OF_A, B: PriceSteps(STEPS_OF_A.times[1:], (Decimal("0.03"),))}
        return RecordedMarket(history, {A.group: Decimal("0.096")}, "a test")

    @pytest.mark.parametrize(
        ("minutes", "price"),
        [(0, "0.0400"), (119, "0.0400"), (120, "0.0400"), (125, "0.0400"), (359, "0.0400")],
    )
    def test_it_begins_again_when_it_ends(self, minutes: int, price: str) -> None:
        at = timedelta(minutes=minutes)

        assert self.market().spot_price(A, at) == Decimal(price)

    def test_a_price_holds_until_the_next(self) -> None:
        later = datetime(2021, 1, 1, 4, tzinfo=UTC)
        steps = PriceSteps((*STEPS_OF_A.times, later), (*STEPS_OF_A.prices, Decimal("0.06")))
        market = RecordedMarket({A: steps}, {A.group: Decimal("0.096")}, "a test")

        prices = [market.spot_price(A, timedelta(minutes=m)) for m in (0, 119, 120, 239, 240)]

        assert prices == [Decimal(p) for p in ("0.0400", "0.0400", "0.0500", "0.0500", "0.0400")]

    def test_before_its_first_change_a_pool_has_its_first_price(self) -> None:
        assert self.market().spot_price(B, timedelta(0)) == Decimal("0.03")

    def test_spot_is_never_dearer_than_on_demand(self) -> None:
        history = {A: STEPS_OF_A}

        market = RecordedMarket(history, {A.group: Decimal("0.01")}, "a test")

        assert market.on_demand_price(A) == Decimal("0.0500")

    def test_a_file_names_itself_as_the_source(self, tmp_path: Path) -> None:
        market = open_market(written(tmp_path, CSV), seed=1)

        assert market.source == "recorded, prices.csv"
        assert market.on_demand_price(A) == list_price("us-east-1", "m5.large")


class TestPackagedMarket:
    def prices(self, seed: int) -> list[Decimal]:
        market = open_market(None, seed)
        return [market.spot_price(A, timedelta(hours=hour)) for hour in range(24)]

    def test_it_starts_from_the_real_instant(self) -> None:
        market = open_market(None, seed=1)

        assert all(
            market.spot_price(pool, timedelta(0)) == price
            for pool, price in packaged_instant().items()
        )

    def test_the_same_seed_moves_the_same_way(self) -> None:
        assert self.prices(7) == self.prices(7)
        assert self.prices(7) != self.prices(8)

    def test_an_earlier_time_can_be_asked_for_again(self) -> None:
        market = open_market(None, seed=3)
        at_noon = market.spot_price(A, timedelta(hours=12))
        market.spot_price(A, timedelta(hours=48))

        assert market.spot_price(A, timedelta(hours=12)) == at_noon

    def test_it_never_rises_above_on_demand(self) -> None:
        ceiling = Decimal("0.041")
        market = WalkingMarket({A: Decimal("0.04")}, {A.group: ceiling}, 5, "a test")
        walked = [market.spot_price(A, timedelta(hours=hour)) for hour in range(500)]

        assert max(walked) == ceiling
        assert min(walked) > 0

    def test_it_says_where_the_prices_come_from_and_that_they_move_by_simulation(self) -> None:
        source = open_market(None, seed=1).source

        assert "SpotLake" in source
        assert "Apache-2.0" in source
        assert "movement is simulated" in source

    def test_every_packaged_type_has_several_zones_and_a_dearer_list_price(self) -> None:
        instant = packaged_instant()
        for pool, price in instant.items():
            listed = list_price(pool.region, pool.instance_type)
            assert listed is not None
            assert price < listed
            assert sum(other.group == pool.group for other in instant) > 1

    def test_an_unlisted_region_borrows_a_list_price(self) -> None:
        assert list_price("mars-north-1", "m5.large") == list_price("us-east-1", "m5.large")
        assert list_price("us-east-1", "x99.huge") is None


class TestWatchedPools:
    NEAR_BY = Pool("us-east-1", "m5.large", "us-east-1z")
    UNKNOWN = Pool("us-east-1", "x99.huge", "us-east-1a")

    def test_the_market_has_no_others(self, tmp_path: Path) -> None:
        assert open_market(None, 1, [B]).pools == (B,)
        assert open_market(written(tmp_path, CSV), 1, [B]).pools == (B,)

    def test_one_without_a_price_has_that_of_its_type_near_by(self, tmp_path: Path) -> None:
        for prices in (None, written(tmp_path, CSV)):
            market = open_market(prices, 1, [self.NEAR_BY, self.UNKNOWN])

            assert market.pools == (self.NEAR_BY,)
            assert market.spot_price(self.NEAR_BY, timedelta(0)) == open_market(
                prices, 1
            ).spot_price(A, timedelta(0))

    def test_without_any_price_there_is_no_market(self, tmp_path: Path) -> None:
        for prices in (None, written(tmp_path, CSV)):
            with pytest.raises(NoPrice):
                open_market(prices, 1, [self.UNKNOWN])
