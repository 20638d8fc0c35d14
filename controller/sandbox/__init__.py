"""A laptop without a cluster: an embedded Kubernetes API server and faithful fakes of the outside systems."""
