"""Notifications before talks and when rooms go live, through the browsers' push services."""
