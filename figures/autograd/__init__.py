"""Figures of the chapter on autograd."""
