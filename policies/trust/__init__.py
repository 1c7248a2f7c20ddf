"""Trust that is computed: how sure one can be of an agent, when that has changed, and what follows. PURE."""
