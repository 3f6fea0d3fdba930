"""Stand-ins for Grafana, Loki and Promtail: a test part, so far as the systems' checks need one."""
