"""Sans-io decoders: bytes in, observations out. No files, no clocks, no sockets."""
