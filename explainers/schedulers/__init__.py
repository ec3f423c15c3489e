"""Explain learning-rate schedulers."""
