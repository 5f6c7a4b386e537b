"""Supervises the streaming pipeline of this machine: checks, restarts and reports components."""
