"""Scratchpad: the reader's own lines of torch on the stage."""

from ui import scratchpad

scratchpad.draw()
