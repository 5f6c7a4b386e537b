"""The rows of `make bench`, and the programs that they measure."""
