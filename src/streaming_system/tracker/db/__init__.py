"""Sessions, replica, health and outages of the database."""
