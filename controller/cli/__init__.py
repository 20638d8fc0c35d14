"""Commands for people: run the operator, try it in a sandbox, print the CRDs."""
