"""`energy-collector check`: is the configuration good?"""

from __future__ import annotations

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.plain_calls import NONE_NAMED
from collector_core.plugins.entry_points import third_party_names


@click.command()
@common_options()
def command(common: Common) -> None:
    """Validate the configuration and report everything that is wrong with it, without touching any device.

    Exit code 0: valid; 2: invalid, with every problem on stderr.
    """
    if not _names_collectors(common):
        click.echo(NONE_NAMED)


def _names_collectors(common: Common) -> bool:
    """Check what there is; without a file and other plugins than ours there is nothing, and nothing is imported."""
    names = [] if common.config else third_party_names()
    if not (common.config or names):
        return False
    from collector_core.cli import check_file  # noqa: PLC0415 - all that validates options

    if common.config:
        return check_file.check_file(common, common.config)
    check_file.check_third_parties(names)
    return False
