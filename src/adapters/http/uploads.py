"""Files out of a form, spooled to disk as they come."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from spot_optimizer.adapters.http.routing import AnyRequest
from spot_optimizer.application.ports.model_files import IncomingFile
from spot_optimizer.domain.errors import ValidationFailed

_FIELD: Final = "files"
_FORM: Final = "multipart/form-data"
_MOST_PARTS: Final = 1000
_IN_MEMORY_BYTES: Final = 1024 * 1024


@asynccontextmanager
async def uploaded_files(request: AnyRequest) -> AsyncIterator[list[IncomingFile]]:
    """The files under `files` that have a name, in their order, at their beginning; they are gone
    after the block.

    Raises:
        ValidationFailed: there is none (contract/admin-ml-and-jobs.md 1.14), or no form.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    with ExitStack() as open_files:
        form = _Form(open_files)
        if kind == _FORM and options.get("boundary"):
            try:
                await _read(request, options["boundary"], form)
            except (MultipartError, LookupError, ValueError) as error:
                raise ValidationFailed("Invalid multipart/form-data") from error
        else:
            await request.body()  # too large a one is refused here too
        if not form.has_files:
            raise ValidationFailed("No files provided")
        if not form.named:
            raise ValidationFailed("No files selected")
        for file in form.named:
            file.content.seek(0)
        yield form.named


class _Form:
    """Takes in part after part, and keeps the files asked for."""

    def __init__(self, open_files: ExitStack) -> None:
        self._open_files = open_files
        self._current: IO[bytes] | None = None
        self.has_files = False
        self.named: list[IncomingFile] = []

    def begin(self, part: MultipartSegment) -> None:
        self._current = None
        # Only files have a name or a type of their own, and the name may be empty.
        is_file = part.filename is not None or part.header("Content-Type") is not None
        if part.name != _FIELD or not is_file:
            return
        self.has_files = True
        if part.filename:
            self._current = self._open_files.enter_context(
                SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  the stack closes it
            )
            self.named.append(IncomingFile(part.filename, self._current))

    def take(self, content: bytes | bytearray) -> None:
        if self._current is not None:
            self._current.write(content)


async def _read(request: AnyRequest, boundary: str, form: _Form) -> None:
    with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
        async for chunk in request.stream():
            for part in parser.parse(chunk):
                if isinstance(part, MultipartSegment):
                    form.begin(part)
                elif part:
                    form.take(part)
        if not parser.closed:
            for _ in parser.parse(b""):  # tells of what is missing
                pass
