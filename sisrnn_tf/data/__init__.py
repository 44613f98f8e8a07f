"""Data: readers, conventions and pipelines."""
