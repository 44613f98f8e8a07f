"""The same training step in several frameworks, one `Contender` a file; see `benchmarks.contender`."""
