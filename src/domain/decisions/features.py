"""What a model is told of a question (contract/admin-ml-and-jobs.md 3.11)."""

from typing import Final

from spot_optimizer.domain.decisions.contract import DecisionInput

FEATURES: Final = (
    "spot_price",
    "ondemand_price",
    "savings_percent",
    "price_change_1h",
    "price_change_24h",
    "price_volatility_6h",
    "hour_of_day",
    "day_of_week",
    "pool_rank_by_price",
)
"""In the order of the vector: USD per hour, percent, and 1 for Sunday; what is missing is 0."""


def features_of(question: DecisionInput) -> tuple[float, ...]:
    """One figure for each of FEATURES."""
    spot, on_demand = float(question.quote.price or 0), float(question.known_ondemand_price or 0)
    at = question.asked_at
    return (
        spot,
        on_demand,
        100 * (on_demand - spot) / on_demand if spot and on_demand else 0.0,
        question.trend.change_1h,
        question.trend.change_24h,
        question.trend.volatility_6h,
        float(at.hour) if at else 0.0,
        float(at.isoweekday() % 7 + 1) if at else 0.0,
        _rank(question),
    )


def _rank(question: DecisionInput) -> float:
    """The cheapest pool is 1; equal prices share a rank."""
    price = question.quote.price
    others = [pool.price for pool in question.alternative_pools if pool.price is not None]
    if price is None or not others:
        return 0.0
    return 1.0 + sum(other < price for other in others)
