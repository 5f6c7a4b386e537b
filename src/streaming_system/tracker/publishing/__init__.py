"""Stream keys, the hooks of streaming servers, and the health of what encoders send."""
