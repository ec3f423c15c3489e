"""Figures of chapter Initialization."""
