"""The command `hitl`."""
