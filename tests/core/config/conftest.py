"""Configurations written to a file and read as a program reads them."""

import pytest

from collector_core.config.settings import read_document, validate


@pytest.fixture
def check_with(tmp_path):
    """Validates a text with the plugins that are installed: `check_with(plugins, text)`."""

    def check_with(plugins, text):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return validate(read_document(path), plugins)

    return check_with
