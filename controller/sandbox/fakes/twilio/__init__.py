"""A fake Twilio."""

from controller.sandbox.fakes.twilio.fake import TwilioFake
from controller.sandbox.fakes.twilio.inventory import default_inventory

__all__ = ["TwilioFake", "default_inventory"]
