"""A fake of the AIs that Evolution asks, and of the platform's own endpoint."""

from controller.sandbox.fakes.ai.fake import AiFake
from controller.sandbox.fakes.ai.questions import Asked, Via

__all__ = ["AiFake", "Asked", "Via"]
