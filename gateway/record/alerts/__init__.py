"""Alerts out: an incident's document in the format that each receiver publishes. Pure; `control.delivering` sends."""
