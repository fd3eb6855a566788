"""The jobs: each composes stages and holds no rules. The command line, the timer and the desk call these."""
