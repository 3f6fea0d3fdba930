"""How fast provision is beside other tools and beside the engine itself: `python -m benchmarks --help`."""
