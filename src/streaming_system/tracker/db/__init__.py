"""The tracker's connections: sessions, the read replica, readiness."""
