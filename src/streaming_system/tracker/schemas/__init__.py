"""What a caller may say to us."""
