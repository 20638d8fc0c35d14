"""A fake Graph API: Meta's WhatsApp Cloud API."""

from controller.sandbox.fakes.graph.fake import Account, GraphFake

__all__ = ["Account", "GraphFake"]
