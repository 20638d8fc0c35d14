"""A restart of the server's process: what is in memory is lost, what is in the database is loaded again."""

from controller.sandbox.fakes.evolution import lifecycle
from controller.sandbox.fakes.evolution.state import Connection, Instance, Integration, World


def stop(world: World) -> None:
    """The process ends: timers, ghosts and unfinished deletions go, rows stay; nothing is loaded any more."""
    world.timers.cancel_all()
    world.orphans.clear()
    for instance in list(world.instances.values()):
        if instance.row_gone:
            del world.instances[instance.name]
        else:
            _unload(instance)


def load(world: World) -> None:
    """The process has loaded its instances. Of WHATSAPP-BAILEYS it connects those whose row is not closed."""
    for instance in world.instances.values():
        if instance.integration is not Integration.BAILEYS:
            instance.live = Connection.OPEN
            continue
        instance.live = Connection.CLOSE
        if instance.stored is not Connection.CLOSE:
            lifecycle.connect(world, instance, None)


def _unload(instance: Instance) -> None:
    instance.attempt += 1
    instance.live = None
    instance.deleting = False
    instance.socket_dead = False
    instance.had_socket = False
    instance.qr = None
    instance.qr_count = 0
    instance.pairing_number = None
