"""A fake Evolution API 2.3.7."""

from controller.sandbox.fakes.evolution.fake import EvolutionFake
from controller.sandbox.fakes.evolution.state import Pace

__all__ = ["EvolutionFake", "Pace"]
