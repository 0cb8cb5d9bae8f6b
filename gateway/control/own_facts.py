"""What control knows beside the board, as the metrics tell it. A store that cannot be read leaves its part out."""

from gateway.control.deliberation import Deliberation
from gateway.control.reloading import Reloader
from gateway.record.certificates import Certificates
from gateway.record.control_metrics import Facts
from gateway.record.store import NotStored


class OwnFacts:
    """Called at each scrape. Mutable state: the certificates read last."""

    def __init__(self, reloader: Reloader, deliberation: Deliberation) -> None:
        self._reloader = reloader
        self._deliberation = deliberation
        self._certificates = Certificates()

    def __call__(self) -> Facts:
        active, thinking = self._reloader.active, self._deliberation.status()
        config, history = self._reloader.status(), thinking["windows"]
        try:
            incidents, alerts = self._deliberation.incidents.open_now(), self._reloader.store().outbox()
        except NotStored:
            incidents, alerts = [], None
        return Facts(
            revision=active.revision.number, applied_ns=active.revision.at_ns, drift=config["drift"],
            refused=len(config["refused"]), store_fault=bool(config["store_fault"]) or alerts is None,
            certificates=list(self._certificates.of(active.plan)),
            incidents=incidents, not_opened=thinking["not_opened"], alerts=alerts,
            turn_ms=thinking["turn_ms"], worst_turn_ms=thinking["worst_turn_ms"],
            turn_fault=bool(thinking["fault"] or thinking["incidents_fault"]),
            history_bytes=history["disk_bytes"], history_max_bytes=history["disk_max_bytes"],
            history_dropped=history["dropped"])
