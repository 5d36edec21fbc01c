"""Data that ships with TensorWall: the model catalogue, themes and sounds."""
