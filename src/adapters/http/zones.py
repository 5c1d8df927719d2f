"""Which pool callers wish for (contract/agents-and-replicas.md 1.7)."""

from spot_optimizer.adapters.http.reading import NO_LIST, Reader
from spot_optimizer.domain.replicas.pools import Wishes


def wishes_in(reader: Reader) -> Wishes:
    """Zones as a list, or a single one as text; a highest cost of 0 is none."""
    return Wishes(
        excluded_zones=_zones(reader, "exclude_zones"),
        preferred_zones=_zones(reader, "preferred_zones"),
        highest_hourly_cost=reader.price("max_hourly_cost") or None,
    )


def _zones(reader: Reader, name: str) -> frozenset[str]:
    value = reader.fields.get(name)
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list):
        return frozenset(zone for zone in value if isinstance(zone, str))
    if value is not None:
        reader.wrong(name, NO_LIST)
    return frozenset()
