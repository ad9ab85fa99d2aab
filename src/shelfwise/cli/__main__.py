"""`python -m shelfwise.cli`."""

from shelfwise.cli import main

main()
