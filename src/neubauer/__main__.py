"""`python -m neubauer` is `neubauer`."""

from neubauer.cli.main import main

main()
