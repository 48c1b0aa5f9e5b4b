"""`python -m autograder.cli` is `glassbox`, where no command is installed."""

from autograder.cli import app

app()
