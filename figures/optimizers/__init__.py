"""Figures of chapter Optimizers."""
