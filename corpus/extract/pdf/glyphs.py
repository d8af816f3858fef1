"""What every engine gives for a page: characters in the order drawn, each with its box."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Glyphs", "Line"]


@dataclass
class Glyphs:
    """The glyphs of one page.

    `text` has one character a glyph; blanks that an engine generates between words stand in it too. `box`: float32,
    shape (n, 4), columns left, bottom, right, top in points, y upwards; a box is as high as the font is large, that of
    a blank means nothing. `vertical`: bool, shape (n,), glyphs of a font that writes downwards. `asides` are runs of
    text that is turned against the rest of the page (labels of axes, marks at the margin).
    """

    text: str
    box: NDArray[np.float32]
    vertical: NDArray[np.bool_]
    width: float
    height: float
    asides: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """A line of a page, or a part of one.

    Text, box in points (y upwards), font size, place in the order drawn; `middle` is the height of its middle, and the
    box does not change.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    seq: int
    kind: str = ""
    middle: float = field(init=False)

    def __post_init__(self) -> None:
        self.middle = (self.y0 + self.y1) / 2
