"""Only compiled code calls this module."""
