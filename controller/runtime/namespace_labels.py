"""Labels of every namespace, for `spec.allowedNamespaces`."""

import random
from collections.abc import Callable, Mapping

from controller.clock import Clock, SystemClock
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_resources import NAMESPACES
from controller.runtime.property_watch import Metadata, PropertyWatch


class NamespaceLabels:
    """Implements `Namespaces`, kept current while `run` runs.

    `on_change(namespace)` is told when a namespace appeared, went, or has other labels.
    """

    def __init__(
        self,
        api: KubeApi,
        on_change: Callable[[str], None],
        *,
        clock: Clock | None = None,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self._watch: PropertyWatch[Mapping[str, str]] = PropertyWatch(
            api,
            on_change,
            resource=NAMESPACES,
            namespace=None,
            key=_name,
            read=_labels,
            clock=clock or SystemClock(),
            random_unit=random_unit,
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._watch.run()

    async def wait_tried(self) -> None:
        """Return once the labels are known, or are known to be refused: most fleets do without them."""
        await self._watch.tried.wait()

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Labels of the namespace; None when they are not known."""
        return self._watch.properties.get(namespace)


def _name(metadata: Metadata) -> str:
    return str(metadata["name"])


def _labels(metadata: Metadata) -> Mapping[str, str]:
    return dict(metadata.get("labels") or {})
