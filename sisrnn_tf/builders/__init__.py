"""How a model is made of a configuration's numbers; which of these functions is taken is `factory`'s."""
