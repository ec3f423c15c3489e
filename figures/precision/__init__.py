"""Figures of chapter Precision."""
