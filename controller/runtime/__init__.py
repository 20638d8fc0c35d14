"""What keeps the operator running: queue, workers, Kubernetes access, events, metrics, settings."""
