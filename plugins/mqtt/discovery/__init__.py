"""Devices that announce themselves as Home Assistant's discovery has it, read from where they publish their states."""
