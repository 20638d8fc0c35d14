"""An embedded Kubernetes API server: what kube-apiserver 1.36 does for clients, without a cluster."""

from .errors import ApiError
from .server import ApiServer

__all__ = ["ApiError", "ApiServer"]
