"""Adapters to agent frameworks, one module each; each needs its framework and nothing else."""
