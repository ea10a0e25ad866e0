"""Just enough of PDF (ISO 32000-1) for text and lines: pages in millimetres, the standard fonts, nothing embedded.

The same pages give the same bytes. What the standard fonts' encoding (Windows-1252) lacks is written as a question mark.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

POINTS_A_MM: Final = 72 / 25.4
PORTRAIT: Final = (210.0, 297.0)
LANDSCAPE: Final = (297.0, 210.0)

Colour = tuple[float, float, float]
BLACK: Final[Colour] = (0.0, 0.0, 0.0)

_WIDTHS: Final = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 "
    "584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 "
    "278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 "
    "500 334 260 334 584"
)
"""Of Helvetica's printable ASCII, thousandths of the size (Adobe's font metrics)."""

_ADVANCE: Final = dict(zip(map(chr, range(32, 127)), map(int, _WIDTHS.split()), strict=True))


@dataclass
class Page:
    """One page; the origin is the upper left corner, lengths are mm.

    Attributes:
        size: Width and height.
    """

    size: tuple[float, float] = PORTRAIT
    _content: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, size: float = 10.0, bold: bool = False) -> None:
        """Words on one line; ``y`` is their baseline, ``size`` in points."""
        encoded = words.encode("cp1252", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        safe = "".join(chr(b) if 32 <= b < 127 else f"\\{b:03o}" for b in encoded)
        font = "F2" if bold else "F1"
        self._content.append(f"BT /{font} {size:g} Tf {self._x(x)} {self._y(y)} Td ({safe}) Tj ET")

    def lines(
        self,
        runs: Iterable[Sequence[tuple[float, float]]],
        width: float,
        colour: Colour = BLACK,
    ) -> None:
        """Runs of joined points, mm; ``width`` likewise."""
        self._content.append(f"{width * POINTS_A_MM:.3f} w 1 j {' '.join(f'{c:g}' for c in colour)} RG")
        for run in runs:
            steps = [f"{self._x(x)} {self._y(y)}" for x, y in run]
            if len(steps) > 1:
                self._content.append(f"{steps[0]} m " + " ".join(f"{step} l" for step in steps[1:]) + " S")

    def _x(self, x: float) -> str:
        return f"{x * POINTS_A_MM:.2f}"

    def _y(self, y: float) -> str:
        return f"{(self.size[1] - y) * POINTS_A_MM:.2f}"

    @property
    def content(self) -> bytes:
        """What is drawn."""
        return "\n".join(self._content).encode("ascii")


def pdf_of(pages: Sequence[Page], title: str) -> bytes:
    """A PDF file of some pages."""
    first = 5
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    name = "<" + ("\ufeff" + title).encode("utf-16-be").hex() + ">"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
    ]
    for i, page in enumerate(pages):
        wide, high = (round(side * POINTS_A_MM, 2) for side in page.size)
        fonts = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {wide} {high}] /Resources {fonts} "
            f"/Contents {first + 2 * i + 1} 0 R >>".encode()
        )
        packed = zlib.compress(page.content, 9)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + packed + b"\nendstream")
    objects.append(f"<< /Title {name} /Producer (Precordia) >>".encode())
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n".encode()
    out += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Words in lines that are no wider than ``width`` mm at ``size`` points.

    >>> wrapped("one two three", 15, 10)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def width_of(text: str, size: float) -> float:
    """How wide a text is, mm; what is not ASCII is taken for an ``n``."""
    return sum(_ADVANCE.get(c, 556) for c in text) / 1000 * size / POINTS_A_MM
