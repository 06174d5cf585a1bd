"""Servers whose answers are recorded in a folder, for test cases: `answers/<name of the server>.prom`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collector_core import NotAvailable, Reason
from collector_plugins.inference import Inference
from collector_plugins.inference.model_server import ModelServer


@dataclass
class RecordedServer(ModelServer):
    """Reads its file anew whenever it is asked; where there is none it is down."""

    folder: Path = Path()

    async def fetch(self, http, page):
        file = self.folder / f"{self.options.name}.prom"
        if not file.exists():
            fix = f"start the server, or correct its `url`; try: curl {self.options.url}"
            raise NotAvailable(Reason.UNREACHABLE, f"{self.options.url}: Connection refused", fix=fix)
        page.feed(file.read_bytes())


class RecordedInference(Inference):
    """The collector of recorded servers."""

    def server(self, options):
        return RecordedServer(options, self.ctx.clock, folder=self.ctx.path("/answers"))
