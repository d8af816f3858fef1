"""What the quick reader of structure borrows from pypdf: filters, and the objects that they and the ciphers want."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    ByteStringObject,
    DictionaryObject,
    EncodedStreamObject,
    FloatObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    TextStringObject,
    create_string_object,
)

from corpus.extract.pdf.syntax import Dict, Ref, Stream

__all__ = ["as_pypdf", "decoded", "words"]

_CLASSES: Final[dict[type, Callable[[Any], PdfObject]]] = {
    bool: BooleanObject,
    int: NumberObject,
    float: FloatObject,
    bytes: ByteStringObject,
    str: NameObject,
}


def as_pypdf(value: Any) -> Any:
    """A value as pypdf's object; references are followed. Raises RecursionError for what holds itself."""
    value = value.get_object() if isinstance(value, Ref) else value
    if isinstance(value, dict):
        return DictionaryObject({NameObject(name): as_pypdf(part) for name, part in value.items()})
    if isinstance(value, list):
        return ArrayObject(as_pypdf(part) for part in value)
    if value is None:
        return NullObject()
    return _CLASSES[type(value)](value)


def decoded(stream: Stream, data: bytes) -> bytes:
    """A stream's bytes by pypdf's filters, within its limits. Raises what pypdf raises."""
    filters = Dict({name: stream[name] for name in ("/Filter", "/DecodeParms") if name in stream})
    packed = EncodedStreamObject()
    packed.update(as_pypdf(filters))
    packed._data = data  # noqa: SLF001  packed bytes
    return packed.get_data()


def words(raw: bytes) -> str:
    """A text string: UTF-16, UTF-8 or PDFDocEncoding; empty where it is none of them."""
    text = create_string_object(raw)
    return str(text) if isinstance(text, TextStringObject) else ""
