"""Draw what all pages share, part by part in the order of the page.

`Frame` is what a page draws with; its parts stand beside it: `mistakes` (Break), `prove`, `learn`,
`take`, `predict`, `foot`. See, which the controls redraw, is the frame's own.
"""

from ui.frame.frame import Frame
from ui.frame.mistakes import Lesson
from ui.frame.parts import DEVICE, device, sentence_for_bad_input
from ui.frame.take import Download

__all__ = ["DEVICE", "Download", "Frame", "Lesson", "device", "sentence_for_bad_input"]
