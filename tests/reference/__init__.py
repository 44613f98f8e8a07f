"""The mathematics again, in NumPy float64 and plain loops."""
