"""Training text for the starter model, one module a skill. `mix.sample(rng)` returns one conversation."""
