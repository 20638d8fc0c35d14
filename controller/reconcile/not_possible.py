"""Why something that a person asked for now cannot be done now."""

from enum import StrEnum


class Obstacle(StrEnum):
    """What stands in the way: the tenant as it is, somebody outside, or that it is not to be had at all."""

    TENANT = "Tenant"
    OUTSIDE = "Outside"
    NOT_OFFERED = "NotOffered"


class NotPossibleError(Exception):
    """It is not possible; `message` is a sentence for the person, without a secret."""

    def __init__(self, obstacle: Obstacle, message: str) -> None:
        super().__init__(message)
        self.obstacle = obstacle
        self.message = message
