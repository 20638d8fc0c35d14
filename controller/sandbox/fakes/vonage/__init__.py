"""A fake Vonage."""

from controller.sandbox.fakes.vonage.fake import VonageFake
from controller.sandbox.fakes.vonage.inventory import default_inventory

__all__ = ["VonageFake", "default_inventory"]
