"""What the spec comes to: fingerprints without reading anything, then Secrets and the context by name.

What cannot be read is said with the field that names it, and nothing is changed: the old routing stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.api.ai_routes import CONTEXT_LIMIT
from controller.api.conditions import Reason
from controller.providers.evolution.bot_kinds import CREDENTIALS_ID
from controller.providers.evolution.bots import Bot, FieldValue
from controller.providers.evolution.protocol import WebhookSettings
from controller.reconcile.ai.address import with_query
from controller.reconcile.ai.context import DesiredContext, context_hash
from controller.reconcile.ai.desired_bot import SYSTEM_MESSAGES, ContextWay, DesiredBot
from controller.reconcile.ai.routes import WantedRoute
from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredTenant, DesiredWebhook
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.verdict import Verdict

CONTEXT_HEADER = "x-context-hash"


@dataclass(frozen=True, slots=True)
class Referents:
    """Versions of what the spec names, in its namespace."""

    namespace: str
    context: Context

    def secret(self, name: str, key: str, path: str) -> str | Verdict:
        """Version of the Secret, or what is missing."""
        version = self.context.secrets.version(self.namespace, name)
        if version is not None:
            return version
        return Verdict.waiting(
            Reason.SECRET_NOT_FOUND,
            f"{path} names Secret {self.namespace}/{name}, which does not exist. Create it with the key {key}.",
        )

    def config_map(self, desired: DesiredContext) -> str | Verdict | None:
        """Version of the ConfigMap that holds more context, or what is missing; None when none is named."""
        reference = desired.config_map
        if reference is None:
            return None
        version = self.context.config_maps.version(self.namespace, reference.name)
        if version is not None:
            return version
        return Verdict.waiting(
            Reason.CONFIG_MAP_NOT_FOUND,
            f"spec.ai.contextConfigMapRef names ConfigMap {self.namespace}/{reference.name}, which does not exist."
            f" Create it with the key {reference.key}.",
        )


def wish_fingerprint(desired: DesiredTenant, url: str | None, referents: Referents) -> str | Verdict:
    """Changes when anything that is to be applied changes; holds no part of it."""
    context: object = None
    if _uses_context(desired):
        version = referents.config_map(desired.context)
        if isinstance(version, Verdict):
            return version
        reference = desired.context.config_map
        context = [
            context_hash(desired.context.compose(None)),
            [reference.name, reference.key, version] if reference else None,
        ]
    if desired.bot is not None:
        return _bot_fingerprint(desired.bot, context, referents)
    webhook = desired.webhook
    assert webhook is not None  # noqa: S101  # asked only where somebody is to answer
    if webhook.auth is None:
        return webhook.fingerprint(url or "", None, context)
    secret = referents.secret(webhook.auth.name, webhook.auth.key, "spec.ai.webhook.authSecretRef")
    return secret if isinstance(secret, Verdict) else webhook.fingerprint(url or "", secret, context)


async def read_wish(desired: DesiredTenant, url: str | None, referents: Referents) -> WantedRoute | Verdict:
    """Read the Secrets and the context, and put everything together."""
    text = await _context(desired.context, referents) if _uses_context(desired) else None
    if isinstance(text, Verdict):
        return text
    if desired.bot is not None:
        return await _bot(desired.bot, text, referents)
    if desired.webhook is None or url is None:
        return WantedRoute()
    headers = await _headers(desired.webhook, referents)
    if isinstance(headers, Verdict):
        return headers
    version = context_hash(text) if text is not None else None
    if version is not None:
        headers = {**headers, CONTEXT_HEADER: version}
    webhook = WebhookSettings(enabled=True, url=url, events=desired.webhook.events, headers=headers)
    return WantedRoute(webhook=webhook, context_hash=version)


def _uses_context(desired: DesiredTenant) -> bool:
    if desired.bot is not None:
        return desired.bot.context is not ContextWay.OWN
    return desired.webhook is not None and desired.context.is_given


def _bot_fingerprint(bot: DesiredBot, context: object, referents: Referents) -> str | Verdict:
    secrets = []
    for secret in bot.secrets:
        version = referents.secret(secret.secret, secret.key, secret.path)
        if isinstance(version, Verdict):
            return version
        secrets.append([secret.field, secret.secret, secret.key, version])
    return fingerprint(
        {
            "kind": bot.kind.value,
            "mark": bot.mark,
            "fields": dict(bot.fields),
            "query": dict(bot.query),
            "secrets": secrets,
            "trigger": repr(bot.trigger),
            "session": [bot.session.expire, repr(bot.session)],
            "context": context,
        }
    )


async def _bot(wanted: DesiredBot, text: str | None, referents: Referents) -> WantedRoute | Verdict:
    fields: dict[str, FieldValue] = dict(wanted.fields)
    for secret in wanted.secrets:
        values = await referents.context.secrets.read(referents.namespace, secret.secret) or {}
        if not values.get(secret.key):
            return _no_key("Secret", referents.namespace, secret.secret, secret.key, secret.path)
        fields[secret.field] = values[secret.key]
    version = context_hash(text) if text is not None else None
    if wanted.address is not None:
        query = {**wanted.query, "context": version} if version is not None else wanted.query
        fields[wanted.address] = with_query(str(fields[wanted.address]), query)
    if wanted.context is ContextWay.PROMPT and text is not None:
        fields[SYSTEM_MESSAGES] = (text,)
    openai_key = str(fields.pop(CREDENTIALS_ID, ""))
    bot = Bot(
        kind=wanted.kind,
        description=wanted.mark,
        trigger=wanted.trigger,
        session=wanted.session,
        fields=fields,
    )
    return WantedRoute(bot=bot, openai_key=openai_key, context_hash=version)


async def _headers(wanted: DesiredWebhook, referents: Referents) -> Mapping[str, str] | Verdict:
    if wanted.auth is None:
        return wanted.headers
    values = await referents.context.secrets.read(referents.namespace, wanted.auth.name) or {}
    if wanted.auth.key not in values:
        path = "spec.ai.webhook.authSecretRef"
        return _no_key("Secret", referents.namespace, wanted.auth.name, wanted.auth.key, path)
    return {**wanted.headers, "authorization": values[wanted.auth.key]}


async def _context(desired: DesiredContext, referents: Referents) -> str | Verdict:
    reference = desired.config_map
    if reference is None:
        return desired.compose(None)
    path = "spec.ai.contextConfigMapRef"
    values = await referents.context.config_maps.read(referents.namespace, reference.name) or {}
    if reference.key not in values:
        return _no_key("ConfigMap", referents.namespace, reference.name, reference.key, path)
    more = values[reference.key]
    if len(more) > CONTEXT_LIMIT:
        return Verdict.waiting(
            Reason.CONTEXT_TOO_LONG,
            f"{path}: key {reference.key} of ConfigMap {referents.namespace}/{reference.name} holds {len(more)}"
            f" characters, at most {CONTEXT_LIMIT} are allowed. Shorten it; the routing stays as it was.",
        )
    return desired.compose(more)


def _no_key(kind: str, namespace: str, name: str, key: str, path: str) -> Verdict:
    reason = Reason.SECRET_NOT_FOUND if kind == "Secret" else Reason.CONFIG_MAP_NOT_FOUND
    return Verdict.waiting(reason, f"{path}: {kind} {namespace}/{name} has no key {key}. Add it.")
