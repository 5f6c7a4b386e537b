"""HTTP in, one service call, plain data out."""
