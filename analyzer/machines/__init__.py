"""Four sans-io state machines. They record what came; they never judge."""
