"""How a server was started."""

from dataclasses import dataclass, field

from controller.sandbox.fakes.evolution.bots.kinds import Kind


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the real server takes from its environment, and the addresses of what it calls.

    The real server has OpenAI's address built in. Without `graph_base_url` nobody is asked: messages of
    WHATSAPP-BUSINESS are accepted, templates are not known.
    """

    licensed: bool = True
    """A server from 2.4.0 on answers next to nothing before it is activated."""
    disabled_bots: frozenset[Kind] = field(default_factory=frozenset)
    chatwoot: bool = True
    sticky_sessions: bool = False
    """Whether a contact's conversation stays with its bot, even a disabled one, and keeps other kinds silent."""
    openai_base_url: str = "https://api.openai.com/v1"
    graph_base_url: str | None = None
    graph_version: str = "v20.0"

    def describe(self) -> dict[str, object]:
        return {
            "licensed": self.licensed,
            "disabledBots": sorted(self.disabled_bots),
            "chatwoot": self.chatwoot,
            "stickySessions": self.sticky_sessions,
            "openaiBaseUrl": self.openai_base_url,
            "graphBaseUrl": self.graph_base_url,
        }
