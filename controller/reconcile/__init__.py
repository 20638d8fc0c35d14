"""The decisions: observe, plan, apply for one tenant. Knows the API and provider protocols; no kopf, no HTTP."""
