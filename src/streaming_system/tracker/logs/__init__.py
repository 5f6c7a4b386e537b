"""Access logs that streaming servers hand in."""
