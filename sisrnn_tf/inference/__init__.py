"""Inference: the step, its noise, the recurrence and the filter over it, the bound, and the objectives made of them."""
