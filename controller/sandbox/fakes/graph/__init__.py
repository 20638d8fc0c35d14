"""A fake Graph API: Meta's WhatsApp Cloud API."""

from controller.sandbox.fakes.graph.fake import Account, GraphFake
from controller.sandbox.fakes.graph.state import Pace

__all__ = ["Account", "GraphFake", "Pace"]
