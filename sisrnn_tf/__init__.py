"""Semi-implicit stochastic recurrent neural networks in Keras and TensorFlow Probability."""

__version__ = "0.1.0"
