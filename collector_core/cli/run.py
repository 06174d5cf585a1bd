"""`energy-collector run`: collect and serve until told to stop."""

from __future__ import annotations

import click

from collector_core.cli.common import Common, common_options
from collector_core.config.settings import parse_listen
from collector_core.web import service


@click.command()
@click.option("--listen", metavar="ADDRESS:PORT", help="Address to serve on; overrides `listen` in the file.")
@click.option("--demo", is_flag=True, help="Simulate a rack, GPUs, virtual machines and a battery.")
@common_options(default_level="info", keeps_running=True)
def command(common: Common, listen: str | None, demo: bool) -> None:
    """Collect and serve /metrics until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    With --demo, nothing on this machine is read: plugins simulate their sources, labelled demo="true".

    Exit code 0: stopped on request; 2: the configuration, the web configuration or the address cannot be used.
    """
    if demo and common.config:
        raise click.UsageError("--demo simulates everything and takes no --config")
    address = _address(listen)
    if demo:
        from collector_core.demo.past import keep_past  # noqa: PLC0415 - a program without --demo does not pay for it

        keep_past()
    service.run(common.config, address, root=common.root, redactor=common.redactor, demo=demo)


def _address(listen: str | None) -> str | None:
    if listen is None:
        return None
    try:
        parse_listen(listen)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--listen") from error
    return listen
