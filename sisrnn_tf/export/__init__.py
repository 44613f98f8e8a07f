"""Models as SavedModels: signatures that need nothing but TensorFlow, warm-up requests and a card."""

from sisrnn_tf.export.card import Origin
from sisrnn_tf.export.savedmodel import check_new, export

__all__ = ["Origin", "check_new", "export"]
