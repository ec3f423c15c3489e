"""Figures of chapter Sampling."""
