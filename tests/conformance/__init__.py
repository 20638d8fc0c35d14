"""What the operator, its users and its tests rely on in an API server, checked on the sandbox's and on a real one.

    pytest tests/conformance                      the sandbox's embedded server
    TEST_CLUSTER=real pytest tests/conformance    a real kube-apiserver

Texts are those of kube-apiserver 1.36. A difference between the two is a defect of the embedded server.
"""
