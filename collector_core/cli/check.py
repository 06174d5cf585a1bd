"""`energy-collector check`: is the configuration good?"""

from __future__ import annotations

import click

from collector_core.app import load_config
from collector_core.cli.common import Common, common_options
from collector_core.web import tls


@click.command(short_help="Validate the configuration.")
@common_options()
def command(common: Common) -> None:
    """Validate the configuration and name everything that is wrong with it. Touches no device.

    Exit code 0: good; 2: bad, with every problem on stderr.
    """
    _, config = load_config(common.config)
    if config.settings.web_config:
        tls.check(config.settings.web_config)
    if config.instances is None:
        click.echo("good: collectors that fit this machine will run (see `energy-collector doctor`)")
        return
    for instance in config.instances:
        click.echo(f"{instance.name}: plugin {instance.type.name}, every {instance.interval:g} s")
    click.echo(f"good: {len(config.instances)} collectors")
