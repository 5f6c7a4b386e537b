"""Takes in what players and endpoints report, and writes it."""
