"""The readers of packages under coverage-guided fuzzing: `make fuzz`. What it found stays in `cases/`, as tests."""
