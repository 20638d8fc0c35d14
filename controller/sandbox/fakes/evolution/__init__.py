"""A fake Evolution API 2.3.7."""

from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.fake import EvolutionFake
from controller.sandbox.fakes.evolution.state import Database, Pace

__all__ = ["Database", "EvolutionFake", "Kind", "Pace"]
