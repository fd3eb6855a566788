"""Parts of the benchmarks: worlds, competitors, scores. Each competitor is a program of its own, with memory of its own."""
