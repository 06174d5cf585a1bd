"""What plugins are to the framework: hooks, how they are found, the commands they add."""
