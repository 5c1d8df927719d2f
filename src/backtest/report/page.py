"""The page as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final

from spot_optimizer.backtest.forecasts import Forecast, Score, joined, score
from spot_optimizer.backtest.profiles import DOWNTIME_HOURS, NOTICE_S, PROFILES
from spot_optimizer.backtest.report.charts import Cast, costs, grouped, legend, pareto, regrets
from spot_optimizer.backtest.report.forecast_charts import reliability_diagram, roc_curve
from spot_optimizer.backtest.report.svg import element
from spot_optimizer.backtest.results import ORACLE, Mean, Outcome, by_place, means

_TRACKS: Final = {
    "price": "recorded prices, no interruptions",
    "hazard": "recorded prices, reclaims drawn at the rate the Spot Instance Advisor publishes",
    "avail": "recorded launch attempts, taken as survival",
    "preempt": "recorded reclaims",
    "server": "what this server has on record",
}
_MEANS_HEAD: Final = (
    "Contestant", "regret, mean %", "regret, worst agent %", "cost, % of on demand",
    "lost min / agent / month", "uptime %", "planned moves / month", "reclaims / month",
    "replicas, % of cost", "time on demand, %",
)  # fmt: skip
_SCORE_HEAD: Final = (
    "Model", "track", "within, h", "n", "base rate", "Brier", "Brier skill",
    "calibration error", "AUC",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that the page shows."""

    source: str
    """Where the traces are from."""
    notes: Sequence[str]
    """What was judged with: the model and its hash, say."""
    outcomes: Sequence[Outcome]
    forecasts: Sequence[Forecast]
    candidates: frozenset[str]


def page(report: Report) -> str:
    """HTML in one piece; the same for the same outcomes."""
    names = list(dict.fromkeys(one.decider for one in report.outcomes))
    cast = Cast(names, report.candidates)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += element("title", "Backtest")
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head += element("style", style)
    body = "".join(
        [
            _opening(report, names, cast),
            _section("Cost against lost minutes", _PARETO_WORDS, _paretos(report, cast)),
            _section("What each would have cost", "", _cost_bars(report, cast)),
            _section("Regret of each agent", _REGRET_WORDS, _regret_rows(report, cast)),
            _forecasts(report.forecasts),
            _section("Figures", "", _tables(report)),
            _section("How it is counted", _rules(), ""),
        ]
    )
    document = element("html", element("head", head) + element("body", body), lang="en")
    return f"<!doctype html>\n{document}\n"


_PARETO_WORDS: Final = (
    "Down and to the left is better; the dashed line joins those that no other beats in both, "
    "the oracle aside, which knows the future."
)
_REGRET_WORDS: Final = (
    "What a contestant cost more than the oracle, downtime at its value included: a dot per "
    "agent, a bar at the mean."
)


def _opening(report: Report, names: Sequence[str], cast: Cast) -> str:
    places = grouped(report.outcomes)
    agents = {(one.track, one.agent) for one in report.outcomes}
    days = sum(
        one.hours / 24 for found in places.values() for one in found if one.decider == names[0]
    ) / max(1, len({profile for _, profile in places}))
    told = f"{len(agents)} agents on {escape(report.source)}, {days:,.0f} agent days."
    notes = "".join(element("p", escape(note)) for note in report.notes)
    return element("h1", "Backtest") + element("p", told) + notes + legend(cast)


def _section(title: str, words: str, content: str) -> str:
    return element("h2", title) + (element("p", words) if words else "") + content


def _paretos(report: Report, cast: Cast) -> str:
    charts = [
        pareto(_place(track, profile), found, cast)
        for (track, profile), found in by_place(means(report.outcomes)).items()
    ]
    return element("div", "".join(charts), class_="pair")


def _cost_bars(report: Report, cast: Cast) -> str:
    return "".join(
        costs(_place(track, profile), found, cast)
        for (track, profile), found in by_place(means(report.outcomes)).items()
    )


def _regret_rows(report: Report, cast: Cast) -> str:
    return "".join(
        regrets(_place(*place), [one for one in found if one.decider != ORACLE], cast)
        for place, found in grouped(report.outcomes).items()
    )


def _place(track: str, profile: str) -> str:
    return f"{track}, {profile}"


def _forecasts(forecasts: Sequence[Forecast]) -> str:
    whole = joined(forecasts)
    if not whole:
        return ""
    charts = []
    for place in dict.fromkeys((one.track, one.horizon_h) for one in whole):
        there = [one for one in whole if (one.track, one.horizon_h) == place]
        title = f"{place[0]}, reclaim within {place[1]} h"
        charts.append(reliability_diagram(f"Reliability: {title}", there))
        charts.append(roc_curve(f"ROC: {title}", there))
    words = (
        "Asked every half hour for every pool that was up, on tracks with recorded interruptions. "
        "On the diagonal, what was said is what came; the figures at the points are n."
    )
    table = _table(_SCORE_HEAD, [(_scored(score(one)), False) for one in whole])
    return _section("Risk forecasts", words, element("div", "".join(charts), class_="pair") + table)


def _scored(one: Score) -> Sequence[str]:
    figures = (one.base_rate, one.brier, one.brier_skill, one.calibration_error, one.auc)
    return (
        one.model,
        one.track,
        str(one.horizon_h),
        f"{one.n:,}",
        *(f"{value:.4f}" for value in figures),
    )


def _tables(report: Report) -> str:
    parts = []
    for (track, profile), found in by_place(means(report.outcomes)).items():
        words = f"{_place(track, profile)}: {_TRACKS.get(track, track)}; {found[0].agents} agents"
        rows = [(_averaged(one), one.decider in report.candidates) for one in found]
        parts.append(element("p", escape(words)) + _table(_MEANS_HEAD, rows))
    for place, outcomes in grouped(report.outcomes).items():
        inside = _of_agents(outcomes, report.candidates)
        summary = element("summary", f"Every agent: {_place(*place)}")
        parts.append(element("details", summary + inside))
    return "".join(parts)


def _averaged(one: Mean) -> Sequence[str]:
    shares = (one.uptime, one.replica_share, one.on_demand_share)
    uptime, replica, on_demand = (f"{100 * share:.2f}" for share in shares)
    return (
        one.decider,
        f"{one.regret * 100:.2f}",
        f"{one.worst_regret * 100:.2f}",
        f"{one.cost_share * 100:.2f}",
        f"{one.lost_minutes:.1f}",
        uptime,
        f"{one.planned_moves:.2f}",
        f"{one.interruptions:.2f}",
        replica,
        on_demand,
    )


def _of_agents(outcomes: Sequence[Outcome], candidates: frozenset[str]) -> str:
    names = list(dict.fromkeys(one.decider for one in outcomes if one.decider != ORACLE))
    agents: dict[str, dict[str, Outcome]] = {}
    for one in outcomes:
        agents.setdefault(one.agent, {})[one.decider] = one
    rows = [
        ((agent, *(f"{found[name].regret * 100:.2f}" for name in names)), False)
        for agent, found in agents.items()
    ]
    return _table(("Regret in %", *names), rows)


def _table(head: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> str:
    top = element("tr", "".join(element("th", escape(cell)) for cell in head))
    lines = [top]
    for cells, is_candidate in rows:
        content = "".join(element("td", escape(cell)) for cell in cells)
        lines.append(f'<tr class="candidate">{content}</tr>' if is_candidate
                     else element("tr", content))  # fmt: skip
    return element("div", element("table", "".join(lines)), class_="scroll")


def _rules() -> str:
    profiles = "; ".join(
        f"{one.name}: boot {one.boot_least_s} to {one.boot_most_s} s, cut-over {one.cut_over_s} s, "
        f"drain {one.drain_s} s"
        for one in PROFILES.values()
    )
    return (
        "One agent is one instance that has to run all the time; it starts on demand. Running "
        "costs the pool's price per second. A planned move pays for the old instance during boot, "
        "cut-over and drain, and loses the cut-over. A reclaim loses the boot beyond the notice of "
        f"{NOTICE_S} s and the cut-over, or the cut-over alone where a warm replica is ready, "
        f"which costs its pool's price while it is held. {profiles}. Objective: dollars, and "
        f"{DOWNTIME_HOURS:g} times the on-demand price for each hour of downtime. Regret: "
        "objective over that of the oracle, an exact dynamic programme over the whole trace "
        "without replicas, less 1."
    )
