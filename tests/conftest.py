"""Puts the tests folder on the path, so that every test can say `from shared_data import shared`."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
