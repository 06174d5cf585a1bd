"""How fast and how small: our figures beside those of node_exporter and prometheus_client."""
