"""Models: compositions of cells, recurrences and losses."""
