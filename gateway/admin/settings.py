"""What a user writes about the admin API."""

from typing import Annotated

from pydantic import BeforeValidator

from gateway.model import address, kinds

HostName = Annotated[str, kinds.words(address.host_name, examples=["gateway.example.net"])]


class AdminSettings(kinds.Settings):
    """Where status, metrics and commands are served."""

    address: kinds.ListenAddress = "127.0.0.1:9900"
    """Where it listens. An address that other machines reach needs a token: `gateway token add`."""
    hosts: Annotated[tuple[HostName, ...], BeforeValidator(kinds.one_or_many)] = ()
    """Names under which browsers and programs may ask for it, beside `localhost` and the address itself."""
