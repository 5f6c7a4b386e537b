"""What both Pyramid apps share, and the server that runs them."""
