"""`python -m trivium.cli`: the same as the `trivium` command."""

from trivium.cli import main

main()
