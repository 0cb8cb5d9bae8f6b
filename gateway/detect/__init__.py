"""Counters in, signals out: what is not as it usually is. Pure: no I/O, no clock; `now` is an argument."""
