"""Access logs that endpoints upload."""
