"""History: rollups, queries, partitions and retention of reported samples."""
