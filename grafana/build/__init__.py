"""The Grafana dashboards, written in Python: one module for each, `python -m grafana.build` writes their JSON."""
