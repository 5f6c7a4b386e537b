"""What happens to the site when something fails: with figures, by `make faults`."""
