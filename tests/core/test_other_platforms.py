"""Where POSIX is not: everything can be imported, and the host is read through psutil."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_without_posix_all_is_imported_and_the_host_is_read(tmp_path):
    script = Path(__file__).with_name("without_posix.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'collector_up{collector="system",plugin="system"} 1.0' in done.stdout
    assert "\nsystem_memory_total_bytes " in done.stdout
    assert "Traceback" not in done.stderr
