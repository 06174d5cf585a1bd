"""BMCs whose documents are a file of the tree."""

from __future__ import annotations

import json

from collector_core import HttpStatusError
from collector_plugins.redfish import Redfish


class RecordedRedfish(Redfish):
    """A BMC's documents are those of `/redfish/ITS NAME.json`, by their path; a number is a status."""

    async def _get(self, device, path):
        documents = json.loads((self.ctx.path("/redfish") / f"{device.name}.json").read_text(encoding="utf-8"))
        if path not in documents:
            raise HttpStatusError(404, "not_found", "answers 404 Not Found")
        if isinstance(documents[path], int):
            raise HttpStatusError(documents[path], "unreachable", f"answers {documents[path]}")
        return documents[path]
