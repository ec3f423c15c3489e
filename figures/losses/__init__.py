"""Figures of chapter Losses."""
