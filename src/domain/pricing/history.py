"""What a pool has cost, five minutes after five minutes."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from struct import pack, unpack
from typing import Final, NamedTuple, Self

from spot_optimizer.domain.pricing.buckets import BUCKET_WIDTH
from spot_optimizer.domain.pricing.prices import Quality

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMALS: Final = 6
_BYTES_EACH: Final = 8
_FAST: Final = 1


class HistoricPrice(NamedTuple):
    at: datetime
    """The start of the five minutes."""
    price: Decimal
    """USD per hour, 6 decimals."""
    quality: Quality


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Prices of five-minute buckets, ascending; a bucket without a price is left out.

    Seven days are two thousand points, and such a history is kept with every decision: so it holds
    them packed, as one signed figure of 8 bytes for each bucket from `start` on, compressed. The
    figures are millionths of a dollar, below 0 where estimated and 0 where nothing is known.
    """

    start: datetime = _EPOCH
    packed: bytes = b""

    @classmethod
    def of(cls, prices: Iterable[HistoricPrice]) -> Self:
        """In any order; of two in one bucket the last counts."""
        return cls._holding(_figures(prices))

    @classmethod
    def _holding(cls, figures: Mapping[int, int]) -> Self:
        if not figures:
            return cls()
        first = min(figures)
        slots = [figures.get(number, 0) for number in range(first, max(figures) + 1)]
        return cls(
            _EPOCH + first * BUCKET_WIDTH, zlib.compress(pack(f"<{len(slots)}q", *slots), _FAST)
        )

    @property
    def points(self) -> Sequence[HistoricPrice]:
        return tuple(
            HistoricPrice(
                self.start + place * BUCKET_WIDTH,
                _price(figure),
                Quality.ACTUAL if figure > 0 else Quality.INTERPOLATED,
            )
            for place, figure in enumerate(_slots(self.packed))
            if figure
        )

    def newest(self, count: int) -> Sequence[Decimal]:
        """At most so many prices, the newest last."""
        known = [figure for figure in _slots(self.packed) if figure]
        return [_price(figure) for figure in known[-count:]]

    def updated(self, since: datetime, renewed_from: datetime, recent: "PriceHistory") -> Self:
        """What began before `since` is left out, and the recent prices stand in place of all that
        begin at `renewed_from` or later."""
        first, until = _number(since), _number(renewed_from)
        kept = {number: figure for number, figure in _numbered(self) if first <= number < until}
        return self._holding(kept | dict(_numbered(recent)))


def _figures(prices: Iterable[HistoricPrice]) -> Mapping[int, int]:
    return {
        _number(at): int(price.scaleb(_DECIMALS)) * (1 if quality is Quality.ACTUAL else -1)
        for at, price, quality in prices
    }


def _slots(packed: bytes) -> Sequence[int]:
    figures = zlib.decompress(packed) if packed else b""
    return unpack(f"<{len(figures) // _BYTES_EACH}q", figures)


def _numbered(history: PriceHistory) -> Iterable[tuple[int, int]]:
    first = _number(history.start)
    return ((first + at, figure) for at, figure in enumerate(_slots(history.packed)) if figure)


def _number(at: datetime) -> int:
    return (at - _EPOCH) // BUCKET_WIDTH


def _price(figure: int) -> Decimal:
    return Decimal(abs(figure)).scaleb(-_DECIMALS)
