"""Numbers for sale of one country and kind: a deterministic, practically endless shelf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Capabilities:
    voice: bool = True
    sms: bool = True
    mms: bool = False


@dataclass(slots=True)
class NumberShelf:
    """Numbers are `prefix` and `digits` more digits, in a scattered but fixed order, unless `listed` names them.

    `stock` limits how many are offered in one search; 0 means that there is nothing for sale.
    """

    prefix: str
    digits: int
    capabilities: Capabilities = field(default_factory=Capabilities)
    price: str | None = "1.00"
    listed: tuple[str, ...] | None = None
    stock: int | None = None
    first: int = 0
    """Every candidate before this index is taken. It only grows: released numbers do not come back."""

    @property
    def size(self) -> int:
        """How many numbers there ever were."""
        return len(self.listed) if self.listed is not None else 10**self.digits

    def candidate(self, index: int) -> str:
        if self.listed is not None:
            return self.listed[index]
        # An odd factor that is no multiple of 5 visits each number of the range once.
        return f"{self.prefix}{(index * 7_368_787 + self.size // 3) % self.size:0{self.digits}d}"

    def sells(self, phone_number: str) -> bool:
        if self.stock == 0:
            return False
        if self.listed is not None:
            return phone_number in self.listed
        return (
            phone_number.startswith(self.prefix)
            and len(phone_number) == len(self.prefix) + self.digits
            and phone_number.removeprefix("+").isdigit()
        )

    def candidates(self, taken: Mapping[str, object]) -> Iterator[str]:
        """Yield the numbers nobody has taken, in order; does not end before the shelf does."""
        while self.first < self.size and self.candidate(self.first) in taken:
            self.first += 1
        for index in range(self.first, self.size):
            phone_number = self.candidate(index)
            if phone_number not in taken:
                yield phone_number
