"""What the Linux kernel tells in /proc: reading it cheaply, and reading it once."""
