"""Side-by-side speed and memory of this library and its peers; imports nothing, as peers run without TensorFlow."""
