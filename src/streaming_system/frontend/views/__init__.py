"""HTTP in, what a page says out."""
