"""The whole config: each room's settings, composed. This file holds no rule of its own."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gateway.admin.settings import AdminSettings
from gateway.config import safeguards
from gateway.dataplane.settings import ClientsSettings, DrainSettings, ListenerSettings, UpstreamSettings
from gateway.detect.settings import DetectSettings
from gateway.mitigate.settings import LadderSettings
from gateway.model import kinds
from gateway.prevent.settings import PostMortemSettings
from gateway.public.settings import FeedbackSettings, PublicStatusSettings
from gateway.record.alerts.settings import AlertsSettings
from gateway.record.settings import LogSettings, RecorderSettings, StateSettings
from gateway.resolve.settings import ProbationSettings
from gateway.routing.settings import RouteSettings

__all__ = ["Gateway", "Route", "Upstream"]

# What the loader accepts: each room's settings with the safeguards that have landed.
if TYPE_CHECKING:
    from gateway.dataplane.settings import UpstreamSettings as Upstream
    from gateway.routing.settings import RouteSettings as Route
else:
    Upstream = safeguards.with_safeguards(UpstreamSettings, safeguards.UPSTREAM, safeguards.OF_UPSTREAM)
    Route = safeguards.with_safeguards(RouteSettings, safeguards.ROUTE, safeguards.OF_ROUTE | safeguards.WATCHED)


class Gateway(kinds.Settings):
    """A config file of Safeguard Gateway."""

    version: Annotated[int, kinds.choice(1)]
    """The version of this format."""
    listeners: Annotated[tuple[ListenerSettings, ...], Field(min_length=1)]
    """Addresses that clients connect to."""
    admin: AdminSettings = AdminSettings()
    """Where status, metrics and commands are served."""
    workers: Annotated[int, kinds.or_word("auto", kinds.number(1, 1024))] = 0
    """Worker processes; `auto` is one per core."""
    state: StateSettings = StateSettings()
    """Where the gateway keeps what must survive a restart."""
    recorder: RecorderSettings = RecorderSettings()
    """The flight recorder."""
    detect: DetectSettings = DetectSettings()
    """How anomalies are looked for."""
    alerts: AlertsSettings = AlertsSettings()
    """Who is told about incidents."""
    log: LogSettings = LogSettings()
    """What is written to log files."""
    respond: LadderSettings = LadderSettings()
    """What the gateway does about incidents by itself."""
    feedback: FeedbackSettings = FeedbackSettings()
    """Where anybody may report that something looks wrong; nowhere by default."""
    status: PublicStatusSettings = PublicStatusSettings()
    """Where anybody may read what is known about open incidents; nowhere by default."""
    probation: ProbationSettings = ProbationSettings()
    """How a new revision of this config is watched, and rolled back if it is worse."""
    post_mortems: PostMortemSettings = PostMortemSettings()
    """What becomes of the reports about incidents that are over."""
    drills: Annotated[str, kinds.choice("enabled", "disabled")] = "disabled"
    """Whether faults may be injected on purpose, to see that they are found and contained."""
    drain: DrainSettings = DrainSettings()
    """How the gateway stops."""
    max_connections: Annotated[int, kinds.or_word("auto", kinds.number(1, 10_000_000))] = 0
    """Client connections per worker; `auto` follows the limit of open files, with a reserve. Beyond it 503."""
    clients: ClientsSettings = ClientsSettings()
    """Who a request comes from."""
    upstreams: dict[kinds.Name, Upstream] = Field(default_factory=dict)
    """Servers that answer for routes, by name."""
    routes: tuple[Route, ...] = ()
    """Which requests go where."""
