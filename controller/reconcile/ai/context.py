"""What an AI is told of the business it answers for. Pure: equal specs make equal texts."""

from dataclasses import dataclass

from controller.api.ai_routes import ConfigMapKeyReference
from controller.api.business_tenant import Business, BusinessTenantSpec
from controller.reconcile.fingerprint import fingerprint


@dataclass(frozen=True, slots=True)
class DesiredContext:
    """What the spec says of the business. `config_map` holds more; its content is read when it is needed."""

    business: Business
    features: tuple[str, ...] = ()
    own: str | None = None
    config_map: ConfigMapKeyReference | None = None

    @classmethod
    def of(cls, spec: BusinessTenantSpec) -> "DesiredContext":
        """Take it from a spec; without an ai block only the business is known."""
        if spec.ai is None:
            return cls(spec.business)
        return cls(
            spec.business, tuple(spec.ai.features or ()), spec.ai.context, spec.ai.context_config_map_ref
        )

    @property
    def is_given(self) -> bool:
        """Whether the spec says more than the business block."""
        return self.own is not None or self.config_map is not None

    def compose(self, from_config_map: str | None) -> str:
        """The whole text, as a system prompt of a language model."""
        business = self.business
        facts = []
        if business.languages:
            first, *others = business.languages
            also = f", also {', '.join(others)}" if others else ""
            facts.append(f"- Languages: {first} unless the customer writes in another{also}")
        if business.time_zone:
            facts.append(f"- Time zone: {business.time_zone}")
        if self.features:
            facts.append(f"- You may help with: {', '.join(sorted(self.features))}")
        parts = [
            f"You answer the customers of {business.name}.",
            _tidy(business.description),
            "\n".join(facts),
            _tidy(self.own),
            _tidy(from_config_map),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def context_hash(text: str) -> str:
    """What status and requests call this version of the text."""
    return fingerprint(text)[:16]


def _tidy(text: str | None) -> str:
    """Line ends of every system alike, nothing at the ends: editors differ, the text does not."""
    return "\n".join(line.rstrip() for line in (text or "").splitlines()).strip()
