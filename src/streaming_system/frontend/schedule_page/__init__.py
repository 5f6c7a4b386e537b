"""The schedule pages: talks by day and by room, as a grid and as a list."""
