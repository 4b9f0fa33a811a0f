"""Many cases: months of archived captures and logs, read once, resumed when killed, and spread over processes."""
