"""The table of speeds: what each row measures, and the programs that it needs."""
