"""Puts the tests folder on the path, so that every test can say `from shared_data import shared`.

Property tests judge what is computed, never how long a busy machine takes for it.
"""
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")
