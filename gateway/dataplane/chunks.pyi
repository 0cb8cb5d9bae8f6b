"""Only compiled code calls this module: http1.ChunkReader is its face for tests."""
