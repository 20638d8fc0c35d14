"""The outside world: telephony providers and Evolution servers. Knows HTTP and SDKs, not Kubernetes."""
