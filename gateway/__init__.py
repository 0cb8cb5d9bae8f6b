"""Safeguard Gateway: a reverse proxy that runs the whole life of an incident."""

__version__ = "0.1.0"
