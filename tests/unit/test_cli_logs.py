import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spot_optimizer.cli.failures import Failure
from spot_optimizer.cli.logs import (
    FILE_BYTES,
    FILES_KEPT,
    OneLine,
    OneObject,
    SharedRotatingFile,
    WithoutQuery,
    has_access_lines,
    log_config,
    make_log_folder,
)
from spot_optimizer.settings import Settings

NOON = datetime(2026, 3, 1, 12, 0, 0, 7_000, UTC)


def a_record(message: str, *args: object, name: str = "spot_optimizer.x") -> logging.LogRecord:
    record = logging.LogRecord(name, logging.WARNING, "x.py", 1, message, args, None)
    record.created, record.msecs = NOON.timestamp(), 7
    return record


class TestLine:
    def test_it_has_time_level_logger_and_message(self) -> None:
        line = OneLine().format(a_record("%s is late", "agent-1"))

        assert line == "2026-03-01T12:00:00.007Z WARNING spot_optimizer.x agent-1 is late"

    def test_nobody_can_add_a_line_or_colour_it(self) -> None:
        line = OneLine().format(a_record("name %s", "a\nb\r\x1b[31mc"))

        assert line.endswith("name a\\nb\\r\\x1b[31mc")

    def test_a_traceback_is_in_the_same_line(self) -> None:
        record = a_record("failed")
        try:
            raise ValueError("why")
        except ValueError:
            record.exc_info = sys.exc_info()

        line = OneLine().format(record)

        assert "\n" not in line
        assert "failed\\nTraceback (most recent call last):\\n" in line
        assert line.endswith("\\nValueError: why")


class TestAccess:
    def test_the_query_is_cut_off(self) -> None:
        record = a_record(
            '%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "GET", "/api/x?token=secret", "1.1", 200
        )

        assert WithoutQuery().filter(record)
        assert record.getMessage() == '1.2.3.4:5 - "GET /api/x HTTP/1.1" 200'

    def test_other_records_pass(self) -> None:
        record = a_record("%s", "a?b")

        assert WithoutQuery().filter(record)
        assert record.getMessage() == "a?b"

    @pytest.mark.parametrize(("level", "lines"), [("DEBUG", True), ("INFO", False)])
    def test_there_are_lines_for_looking_closely_only(self, level: str, lines: bool) -> None:
        assert has_access_lines(Settings.from_environment({"LOG_LEVEL": level})) is lines


class TestConfiguration:
    @pytest.mark.parametrize(
        ("level", "of_libraries"),
        [("DEBUG", logging.WARNING), ("INFO", logging.WARNING), ("ERROR", logging.ERROR)],
    )
    def test_libraries_say_nothing_below_warnings(self, level: str, of_libraries: int) -> None:
        config = log_config(Settings.from_environment({"LOG_LEVEL": level}))

        assert config["root"]["level"] == of_libraries
        assert config["loggers"]["spot_optimizer"]["level"] == level

    def test_lines_go_to_standard_output(self) -> None:
        config = log_config(Settings.from_environment({}))

        assert config["root"]["handlers"] == ["stdout"]
        assert config["handlers"]["stdout"]["stream"] == "ext://sys.stdout"

    def test_and_to_a_file_that_rotates(self, tmp_path: Path) -> None:
        file = tmp_path / "server.log"
        config = log_config(Settings.from_environment({"LOG_FILE": str(file)}))

        assert config["root"]["handlers"] == ["stdout", "file"]
        assert config["handlers"]["file"]["filename"] == str(file)
        assert (FILE_BYTES, FILES_KEPT) == (10 * 2**20, 5)

    def test_the_folder_of_the_file_is_made(self, tmp_path: Path) -> None:
        file = tmp_path / "deep" / "server.log"
        make_log_folder(Settings.from_environment({"LOG_FILE": str(file)}))

        assert file.exists()

    def test_a_file_that_cannot_be_written_is_a_wrong_setting(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        settings = Settings.from_environment({"LOG_FILE": str(tmp_path / "file" / "server.log")})

        with pytest.raises(Failure, match="LOG_FILE") as failure:
            make_log_folder(settings)

        assert failure.value.exit_code == 2


class TestSharedFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "server.log"

    @pytest.fixture
    def one(self, file: Path) -> Iterator[SharedRotatingFile]:
        yield from a_handler(file)

    @pytest.fixture
    def another(self, file: Path) -> Iterator[SharedRotatingFile]:
        yield from a_handler(file)

    def test_who_did_not_rotate_it_writes_the_new_one(
        self, file: Path, one: SharedRotatingFile, another: SharedRotatingFile
    ) -> None:
        another.emit(a_record("a" * 100))
        one.emit(a_record("b" * 150))
        another.emit(a_record("last"))

        assert file.with_suffix(".log.1").read_text() == "a" * 100 + "\n"
        assert file.read_text() == "b" * 150 + "\nlast\n"

    def test_two_that_find_it_full_rotate_it_once(
        self, file: Path, one: SharedRotatingFile, another: SharedRotatingFile
    ) -> None:
        one.emit(a_record("first"))
        another.emit(a_record("second"))

        one.doRollover()
        another.doRollover()

        assert file.with_suffix(".log.1").read_text() == "first\nsecond\n"
        assert not file.with_suffix(".log.2").exists()

    def test_somebody_may_take_the_file_away(self, file: Path, one: SharedRotatingFile) -> None:
        one.emit(a_record("first"))
        file.unlink()
        one.emit(a_record("second"))

        assert file.read_text() == "second\n"


def a_handler(file: Path) -> Iterator[SharedRotatingFile]:
    handler = SharedRotatingFile(file, maxBytes=200, backupCount=2, delay=True)
    handler.setFormatter(logging.Formatter("%(message)s"))
    yield handler
    handler.close()


class TestObject:
    def test_it_holds_what_a_line_says(self) -> None:
        written = json.loads(OneObject().format(a_record("%s is late", "agent-1")))

        assert written == {
            "time": "2026-03-01T12:00:00.007Z",
            "level": "WARNING",
            "logger": "spot_optimizer.x",
            "message": "agent-1 is late",
            "process": os.getpid(),
        }

    def test_it_is_one_line_whatever_is_said(self) -> None:
        record = a_record("name %s", 'a\nb\r"\x1b')
        try:
            raise ValueError("why")
        except ValueError:
            record.exc_info = sys.exc_info()

        line = OneObject().format(record)

        assert "\n" not in line
        assert json.loads(line)["message"] == 'name a\nb\r"\x1b'
        assert json.loads(line)["exception"].endswith("ValueError: why")

    def test_the_setting_chooses_it(self) -> None:
        config = log_config(Settings(log_format="json", log_file=Path("server.log")))

        chosen = {handler["formatter"] for handler in config["handlers"].values()}
        assert chosen == {"json"}
        assert config["formatters"]["json"]["()"].endswith("OneObject")
