"""A throwaway Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager) on loopback."""
