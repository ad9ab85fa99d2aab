"""Files as streams of bytes: plain, gzip, zstd, or a zip with one member.

The compression is told from the first bytes, not from the name. A compressed file that ends too
early raises `BadInputError`: what came before the break is never taken for the whole.
"""

from __future__ import annotations

import codecs
import difflib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal, Protocol

import pyarrow as pa

from shelfwise.core.errors import BadInputError, StorageError, UnknownFormatError

Compression = Literal["gzip", "zstd", "zip", "none"]

_MAGIC: Final[tuple[tuple[bytes, Compression], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
)
_REFUSED: Final = (
    (b"BZh", "is compressed with bzip2"),
    (b"\xfd7zXZ", "is compressed with xz"),
    (b"7z\xbc\xaf", "is a 7-Zip archive"),
    (b"%PDF", "is a PDF document"),
    (b"\x89PNG", "is an image"),
    (b"\xff\xd8\xff", "is an image"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Word document"),
    (b"SQLite format 3", "is an SQLite database"),
)
PARQUET_MAGIC: Final = b"PAR1"


class _Readable(Protocol):
    def read(self, nbytes: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class ByteStream:
    """A file's bytes after decompression, read forward once."""

    path: Path
    size: int
    """Bytes on disk."""
    tell: Callable[[], int]
    """Bytes on disk read so far."""
    _inner: _Readable

    def read(self, n: int) -> bytes:
        """The next at most `n` bytes, empty at the end; raises when the file is broken."""
        try:
            return self._inner.read(n)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise BadInputError(
                f"{self.path} is damaged or cut off after {self.tell():,} of {self.size:,} bytes "
                f"({error}); nothing of it was ingested.",
                remedy="Copy or export the file again.",
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._inner.close()


def first_bytes(path: Path, n: int = 16) -> bytes:
    """The first `n` bytes of the file as it lies on disk; raises when there are none."""
    if not path.exists():
        near = _nearby(path)
        raise BadInputError(
            f"{path} does not exist.",
            remedy=f"Did you mean {near}?" if near else "Check the path.",
        )
    if path.is_dir():
        raise BadInputError(f"{path} is a folder.", remedy="Name the files in it one by one.")
    try:
        with path.open("rb") as file:
            head = file.read(n)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read ({error.strerror}).", remedy="Check its permissions."
        ) from error
    if not head:
        raise BadInputError(f"{path} is empty.", remedy="Export the file again.")
    return head


def _nearby(path: Path) -> str | None:
    if not path.parent.is_dir():
        return None
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return str(path.parent / close[0]) if close else None


def compression(path: Path) -> Compression:
    """How the file is compressed; raises for what is neither text, Parquet nor a known codec."""
    head = first_bytes(path)
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise UnknownFormatError(
                f"{path} {what}.",
                remedy="Give CSV, JSON lines or Parquet, plain or compressed as .gz, .zst or .zip.",
            )
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "none")


def open_stream(path: Path) -> ByteStream:
    """The decompressed bytes of the file at `path`."""
    codec = compression(path)
    size = path.stat().st_size
    if codec == "zip":
        return _open_zip(path, size)
    raw = pa.OSFile(str(path))
    inner = raw if codec == "none" else pa.CompressedInputStream(raw, codec)
    return ByteStream(path, size, raw.tell, inner)


def in_utf8(stream: ByteStream, encoding: str) -> ByteStream:
    """`stream` itself, or, where each character takes two bytes (UTF-16), its text as UTF-8."""
    if encoding != "utf-16":
        return stream
    return replace(stream, _inner=_Utf16(stream, codecs.getincrementaldecoder("utf-16")()))


@dataclass(frozen=True)
class _Utf16:
    stream: ByteStream
    decoder: codecs.IncrementalDecoder

    def read(self, nbytes: int, /) -> bytes:
        data = self.stream.read(nbytes)
        return self.decoder.decode(data, final=not data).encode()

    def close(self) -> None:
        self.stream.close()


def _open_zip(path: Path, size: int) -> ByteStream:
    file = path.open("rb")
    try:
        archive = zipfile.ZipFile(file)
        member = archive.open(_only_member(path, archive))
    except zipfile.BadZipFile as error:
        file.close()
        raise BadInputError(
            f"{path} is a damaged zip file ({error}).", remedy="Copy or export the file again."
        ) from error
    except BadInputError:
        file.close()
        raise
    return ByteStream(path, size, lambda: min(file.tell(), size), _ZipMember(member, file))


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [info for info in archive.infolist() if _is_data(info)]
    if any(info.filename == "[Content_Types].xml" for info in members):
        raise UnknownFormatError(
            f"{path} is an Excel workbook.", remedy="Save the sheet as CSV UTF-8."
        )
    if len(members) != 1:
        listed = ", ".join(info.filename for info in members[:5]) or "none"
        raise BadInputError(
            f"{path} holds {len(members)} files ({listed}).", remedy="Unzip it and name one file."
        )
    return members[0]


@dataclass(frozen=True)
class _ZipMember:
    member: IO[bytes]
    file: IO[bytes]

    def read(self, nbytes: int, /) -> bytes:
        return self.member.read(nbytes)

    def close(self) -> None:
        self.member.close()
        self.file.close()


def _is_data(info: zipfile.ZipInfo) -> bool:
    return not info.is_dir() and not info.filename.startswith("__MACOSX/")


def guess_encoding(sample: bytes) -> str:
    r"""The Python name of the encoding of `sample`, for text that may not be UTF-8.

    UTF-8 wins wherever it decodes. Otherwise, GB 18030 if nearly every line that is not UTF-8
    reads as everyday Chinese (GB 2312), else Windows-1252.

    >>> guess_encoding("café".encode()), guess_encoding("café".encode("latin-1"))
    ('utf-8', 'cp1252')
    >>> guess_encoding("名称,价格\n水壶,3\n".encode("gbk"))
    'gb18030'
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(sample.rpartition(b"\n")[0] or sample, "utf-8"):
        return "utf-8"
    odd = [line for line in sample.split(b"\n")[:5000] if not _decodes(line, "utf-8")]
    chinese = sum(_decodes(line, "gb2312") for line in odd)
    return "gb18030" if chinese >= 0.9 * len(odd) else "cp1252"


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def to_utf8(block: bytes, encoding: str) -> bytes:
    r"""`block` (whole lines) as UTF-8; lines that are not UTF-8 are read as `encoding`.

    >>> to_utf8(b"caf\xe9\ncaf\xc3\xa9", "cp1252").decode()
    'café\ncafé'
    """
    if _decodes(block, "utf-8"):
        return block
    fallback = "cp1252" if encoding == "utf-8" else encoding
    return b"\n".join(_line_to_utf8(line, fallback) for line in block.split(b"\n"))


def _line_to_utf8(line: bytes, encoding: str) -> bytes:
    for name in ("utf-8", encoding):
        if _decodes(line, name):
            return line.decode(name).encode()
    return line.decode("latin-1").encode()
