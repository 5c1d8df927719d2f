from collections import Counter, defaultdict
from statistics import median

from spot_optimizer.cli.parity.asking import Findings, Pair


def markdown(findings: Findings) -> str:
    """What an operator decides by: how many answers differ, where, and why some may."""
    by_route: dict[str, list[Pair]] = defaultdict(list)
    for pair in findings.pairs:
        by_route[pair.question.route].append(pair)
    different = [pair for pair in findings.pairs if not pair.verdict.is_same]
    fixes = Counter(reason for pair in findings.pairs for reason in pair.verdict.fixes)
    return "\n".join(
        [
            "# Parity",
            "",
            f"Old server: {findings.old}  ",
            f"New server: {findings.new}",
            "",
            f"{len(findings.pairs)} questions, {len(different)} answered differently.",
            "",
            *_otherwise(fixes, findings.left_out),
            "| Route | Asked | Different | Old, median ms | New, median ms |",
            "|---|---|---|---|---|",
            *[_line(route, pairs) for route, pairs in sorted(by_route.items())],
            *[line for pair in different for line in _told(pair)],
            "",
        ]
    )


def _otherwise(fixes: Counter[str], left_out: Counter[str]) -> list[str]:
    lines = [f"* {count} times, on purpose: {reason}" for reason, count in fixes.most_common()]
    lines += [f"* {count} times not asked: {reason}" for reason, count in left_out.most_common()]
    return [*lines, ""] if lines else []


def _line(route: str, pairs: list[Pair]) -> str:
    differing = sum(not pair.verdict.is_same for pair in pairs)
    old, new = median(pair.old_ms for pair in pairs), median(pair.new_ms for pair in pairs)
    return f"| `{route}` | {len(pairs)} | {differing or ''} | {old:.1f} | {new:.1f} |"


def _told(pair: Pair) -> list[str]:
    rows = [
        f"| `{one.where}` | {_cell(one.old)} | {_cell(one.new)} |"
        for one in pair.verdict.differences
    ]
    return [
        "",
        f"## {pair.question.method} {pair.question.path}",
        "",
        "| Where | Old | New |",
        "|---|---|---|",
        *rows,
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
