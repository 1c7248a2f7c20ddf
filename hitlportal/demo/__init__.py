"""A portal to try: sample people and agents, an executor, and a rehearsal without a person."""
