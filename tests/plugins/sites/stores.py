"""A fixture for modules whose tests run once with each store."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["file", "postgres"])
def stored(request):
    """The options of where sites are kept."""
    return {} if request.param == "file" else {"database": request.getfixturevalue("database").url()}
