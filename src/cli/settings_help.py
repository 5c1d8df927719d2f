"""Help that ends with everything that can be set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter


class ToldWithSettings(TyperCommand):
    """A command that reads the settings."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        super().format_help(ctx, formatter)
        _print_settings()


def _print_settings() -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from spot_optimizer.cli.settings_reference import PECULIARITIES, SETTINGS, default_of, plain

    console = Console()
    for title, told in (
        ("Environment variables", SETTINGS),
        ("Peculiarities of the monolith, each False unless COMPATIBILITY=monolith", PECULIARITIES),
    ):
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        for group, meaning in told.items():
            names = group.split(", ")
            defaults = [default_of(name) for name in names if told is SETTINGS]
            known = ", ".join(filter(None, defaults))
            default = f" [default: {known}]" if known else ""
            table.add_row(Text("\n".join(names)), Text(plain(meaning) + default, overflow="fold"))
        console.print(Panel(table, title=title, title_align="left"))
