"""Runs the command line: `python -m streaming_system.cli`."""

from streaming_system.cli import main

main(prog_name="streaming-system")
