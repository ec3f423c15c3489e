"""Figures of the chapter on tensors."""
