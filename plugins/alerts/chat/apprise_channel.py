"""Any of the services that Apprise knows: https://github.com/caronc/apprise."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from collector_core import NotAvailable, Reason
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.channel_options import AppriseOptions
from collector_plugins.alerts.chat.text import details
from collector_plugins.alerts.daemon_work import DaemonWorker
from collector_plugins.alerts.notification import Notification, one_line

INSTALL = "pip install 'energy-collector[apprise]'"
LIBRARY = "apprise"


class AppriseChannel:
    """Sends each notification to all addresses of Apprise; its log is disabled, because it holds them."""

    def __init__(self, options: AppriseOptions) -> None:
        self._urls = [url.get_secret_value() for url in options.urls]
        self._worker = DaemonWorker()

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable`, and `DeliveryRefused` for an address that is none."""
        title, body = one_line(message.headline), details(message)
        failed = await self._worker.run(lambda: _notify(self._urls, title, body))
        if failed:
            places = ", ".join(f"urls[{number}]" for number in failed)
            detail, fix = f"not delivered to {places}", "check these addresses and whether the services answer"
            raise NotAvailable(Reason.UNREACHABLE, detail, fix=fix)


def _notify(urls: Sequence[str], title: str, body: str) -> list[int]:
    """Send to all, each in turn; returns the places of those that failed."""
    try:
        import apprise  # noqa: PLC0415 - an extra
    except ImportError:
        raise NotAvailable(Reason.NOT_FOUND, "apprise is not installed", fix=INSTALL) from None
    logging.getLogger(LIBRARY).disabled = True
    failed = []
    for number, url in enumerate(urls):
        service = apprise.Apprise()
        if not service.add(url):
            detail = f"urls[{number}] is not an address that Apprise knows"
            raise DeliveryRefused(Reason.NOT_SUPPORTED, detail, fix="see https://github.com/caronc/apprise/wiki")
        if not service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
            failed.append(number)
    return failed
