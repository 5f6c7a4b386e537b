"""Incidents: their detection, their storage, and the notification of plugins and pages."""
