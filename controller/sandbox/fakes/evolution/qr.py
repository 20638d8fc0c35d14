"""The QR object that create, connect and restart answer with."""

from controller.sandbox.fakes.evolution.state import Instance, Integration


def qr_body(instance: Instance) -> dict[str, object]:
    """`{"count": 0}` while no QR code has come; `{}` for a channel that has none (recorded).

    The code is not cleared by a scan, so it may be an old, used one (measured).
    """
    if instance.integration is not Integration.BAILEYS:
        return {}
    if instance.qr is None:
        return {"count": instance.qr_count}
    return {
        "pairingCode": instance.qr.pairing_code,
        "code": instance.qr.code,
        "base64": instance.qr.base64,
        "count": instance.qr_count,
    }
