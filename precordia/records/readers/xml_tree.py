"""XML files as element trees, safely: size checked first, no entities, no external references, namespaces stripped."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.records.channels import one_line
from precordia.records.limits import MAX_TEXT_BYTES, MAX_XML_DEPTH, MAX_XML_ELEMENTS, read_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*\?>")


def parse_xml(path: Path) -> Element:
    """The root element of a file, tags without namespaces.

    A declaration that contradicts the bytes (UTF-16 declared on 8-bit text, UTF-8 on Latin-1 text) is overruled.

    Raises:
        UnreadableRecordingError: not well-formed, too large, too deep, with too many elements, or with entity definitions.
    """
    from xml.etree.ElementTree import ParseError, TreeBuilder

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    class Bounded(TreeBuilder):
        """Builds the tree, counting, so that a bomb of empty elements is dropped long before it is all there."""

        depth = count = 0

        def start(self, tag: Any, attrs: Any) -> Any:
            self.depth += 1
            self.count += 1
            if self.depth > MAX_XML_DEPTH or self.count > MAX_XML_ELEMENTS:
                raise UnreadableRecordingError(
                    f"{path}: XML nested deeper than {MAX_XML_DEPTH} levels or of more than {MAX_XML_ELEMENTS} elements, "
                    "which no ECG needs; refused"
                )
            return super().start(tag.rpartition("}")[2], attrs)

        def end(self, tag: Any) -> Any:
            self.depth -= 1
            return super().end(tag.rpartition("}")[2])

    parser = DefusedXMLParser(target=Bounded(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(_as_utf8(read_bytes(path, MAX_TEXT_BYTES)))
        root: Element = parser.close()
    except DefusedXmlException:
        raise UnreadableRecordingError(f"{path}: the XML defines entities, which no ECG needs; refused") from None
    except ParseError as error:
        raise UnreadableRecordingError(
            f"{path}: not well-formed XML ({one_line(str(error))}); it is damaged or truncated"
        ) from None
    return root


def _as_utf8(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        declared = _DECLARED.match(data)
        name = re.search(rb"encoding\s*=\s*[\"']([\w.:-]+)", declared.group()) if declared else None
        text = _decoded(data, name.group(1).decode("ascii").lower() if name else "utf-8")
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff"), count=1)


def _decoded(data: bytes, encoding: str) -> str:
    candidates = ("utf-8-sig", "cp1252") if encoding.startswith(("utf", "ucs")) else (encoding, "utf-8-sig")
    for candidate in candidates:
        try:
            return data.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def find(element: Element, path: str) -> Element | None:
    """The first descendant at a path ("a/b", ".//c"), or None."""
    return element.find(path)


def text_of(element: Element | None, path: str = ".") -> str:
    """The text of the element at a path, on one line; "" when it is not there."""
    if element is None:
        return ""
    found = element if path == "." else element.find(path)
    return one_line(found.text or "") if found is not None else ""


def number_of(element: Element | None, path: str = ".") -> float | None:
    """The number at a path, or None."""
    return to_number(text_of(element, path))


def to_number(text: str | None) -> float | None:
    """A finite number from text, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def base64_int16(text: str, what: str) -> NDArray[np.int16]:
    """Little-endian 16-bit samples from base64.

    Raises:
        UnreadableRecordingError: it is not base64, or holds half a sample.
    """
    data = base64_bytes(text, what)
    if len(data) % 2:
        raise UnreadableRecordingError(f"{what}: the samples end in the middle of one; the file is damaged")
    return np.frombuffer(data, dtype="<i2")


def base64_bytes(text: str, what: str) -> bytes:
    """The bytes that base64 stands for, white space allowed.

    Raises:
        UnreadableRecordingError: it is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableRecordingError(f"{what}: the samples are not base64; the file is damaged") from None


def numbers(text: str, what: str) -> NDArray[np.float64]:
    """The numbers in text, separated by white space or commas.

    Raises:
        UnreadableRecordingError: something else stands among them.
    """
    plain = text.replace(",", " ").strip()
    if not plain:
        return np.zeros(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values: NDArray[np.float64] = np.fromstring(plain, dtype=np.float64, sep=" ")
    except (ValueError, DeprecationWarning):
        raise UnreadableRecordingError(
            f"{what}: something else stands among the samples; the file is damaged"
        ) from None
    return values
