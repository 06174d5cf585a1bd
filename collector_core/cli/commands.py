"""Which commands there are, in the order in which people meet them, and what each is for."""

from __future__ import annotations

COMMANDS = {
    "run": "Collect and serve /metrics until stopped.",
    "check": "Validate the configuration.",
    "list": "List the installed plugins.",
    "once": "Run collectors once and print what they read.",
    "doctor": "Report what was found, what is missing and how to fix it.",
    "find": "Print a configuration of what was found here.",
    "outputs": "List and test the outputs of the configuration.",
    "measure": "Measure what a command costs in energy, CPU time and memory.",
    "measurements": "List, summarize and export stored measurements.",
    "history": "Query, export, import and look after what was kept.",
    "calibrate": "Fit a plugin's model to this machine.",
    "docs": "Fill the tables in plugin READMEs.",
    "new-plugin": "Create a new plugin: package, tests, README.",
}
