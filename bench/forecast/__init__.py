"""How good the plugin forecast is: its models and well-known libraries, on the same series from the same times."""
