"""Commands that end at once, called in this process: what they print and their exit codes."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import text

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.cli import main
from spot_optimizer.cli.failures import (
    DATABASE_UNUSABLE,
    FAILED,
    PORT_IN_USE,
    WRONG_SETTING,
    Failure,
)
from spot_optimizer.cli.listening import check_port_is_free, listen, taken_port, url_of
from spot_optimizer.cli.preflight import inspected
from spot_optimizer.cli.settings_reference import PECULIARITIES, SETTINGS, names, plain
from tests.services import MARIADB_HOST, MARIADB_PORT, a_mariadb_database, require_mariadb

LOCAL = "127.0.0.1"
NOT_OURS = "203.0.113.1"
"""An address for documentation, which no machine has."""

COMMANDS = [
    (),
    ("serve",),
    ("demo",),
    ("simulate",),
    ("db",),
    ("db", "init"),
    ("db", "check"),
    ("admin",),
    ("admin", "token"),
    ("admin", "token", "show"),
    ("admin", "token", "rotate"),
    ("worker",),
    ("scheduler",),
    ("jobs",),
    ("jobs", "list"),
    ("jobs", "run"),
    ("jobs", "history"),
    ("backtest",),
    ("models",),
    ("models", "judge"),
    ("models", "drift"),
]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the machine's own settings, and data of its own."""
    for name in ("DATABASE_URL", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOST", "PORT", "ADMIN_API_TOKEN", "COMPATIBILITY", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


@pytest.fixture
def database(data_dir: Path) -> Path:
    return data_dir / "spot-optimizer.sqlite3"


@pytest.fixture
def mariadb_database() -> Iterator[str]:
    with a_mariadb_database() as url:
        yield url


class Run:
    """One command, and everything it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.exit_code = main(arguments)
        self.out, self.err = capsys.readouterr()

    @property
    def error(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


@contextmanager
def a_listener() -> Iterator[int]:
    """The port it has."""
    with socket.create_server((LOCAL, 0)) as listener:
        yield listener.getsockname()[1]


def a_closed_port() -> int:
    with a_listener() as port:
        return port


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    @pytest.mark.parametrize("option", ["--help", "-h"])
    def test_every_command_explains_itself(
        self, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], option: str
    ) -> None:
        run = Run(capsys, *command, option)

        assert run.exit_code == 0
        assert " ".join(("Usage: spot-optimizer", *command)) in run.out

    @pytest.mark.parametrize("command", ["serve", "worker", "scheduler"])
    def test_what_lasts_tells_of_everything_that_can_be_set(
        self, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        words = Run(capsys, command, "--help").out.split()

        assert [name for name in names() if name not in words] == []
        for group, meaning in {**SETTINGS, **PECULIARITIES}.items():
            assert set(plain(meaning).split()) <= set(words), group
        assert "[default: 10]" in Run(capsys, command, "--help").out

    def test_the_version_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        run = Run(capsys, "--version")

        assert (run.exit_code, run.out) == (0, f"spot-optimizer {version('spot-optimizer')}\n")

    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_an_unknown_option_is_refused(
        self, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
    ) -> None:
        run = Run(capsys, *command, "--no-such-option")

        assert run.exit_code == WRONG_SETTING
        assert "--no-such-option" in run.err

    def test_an_unknown_command_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert Run(capsys, "fly").exit_code == WRONG_SETTING

    @pytest.mark.parametrize(
        "arguments",
        [
            ("serve", "--workers", "0"),
            ("serve", "--port", "http"),
            ("demo", "--agents", "0"),
            ("demo", "--speedup", "0"),
            ("simulate", "--duration", "-1"),
            ("simulate", "--storm", "snow"),
            ("simulate", "--storm-after", "-1"),
            ("simulate", "--storm-share", "0"),
            ("simulate", "--storm-share", "1.5"),
        ],
        ids=" ".join,
    )
    def test_a_wrong_value_is_refused(
        self, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
    ) -> None:
        run = Run(capsys, *arguments)

        assert run.exit_code == WRONG_SETTING
        assert arguments[1] in run.err


class TestSettings:
    @pytest.mark.parametrize(
        "command",
        [
            ("serve",),
            ("demo",),
            ("simulate",),
            ("db", "init"),
            ("db", "check"),
            ("admin", "token", "show"),
            ("admin", "token", "rotate"),
            ("backtest", "--from-server"),
            ("models", "judge", "SESSION"),
            ("models", "drift", "SESSION", "--since", "2025-11-20"),
        ],
        ids=" ".join,
    )
    def test_a_wrong_one_is_named_in_one_line(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        command: tuple[str, ...],
    ) -> None:
        monkeypatch.setenv("LOG_LEVEL", "LOUD")
        run = Run(capsys, *command)

        assert run.exit_code == WRONG_SETTING
        assert run.error.startswith("Wrong setting LOG_LEVEL: 'LOUD' is none of DEBUG, INFO")
        assert run.out == ""

    @pytest.mark.parametrize(
        ("name", "value"),
        [("REDIS_URL", "localhost:6379"), ("DB_HOST", "db.test"), ("LOG_FILE", "/dev/null/log")],
    )
    def test_so_is_one_that_only_the_server_needs(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        value: str,
    ) -> None:
        monkeypatch.setenv(name, value)
        run = Run(capsys, "serve")

        assert run.exit_code == WRONG_SETTING
        named = "DB_PASSWORD" if name == "DB_HOST" else name
        assert run.error.startswith(f"Wrong setting {named}: ")

    def test_an_option_is_a_setting_too(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PORT", "5000")
        run = Run(capsys, "serve", "--port", "65536")

        assert run.exit_code == WRONG_SETTING
        assert run.error == "Wrong setting PORT: must be at most 65535"


class TestListening:
    def test_a_port_in_use_is_told(self) -> None:
        with a_listener() as port, pytest.raises(Failure) as failure:
            check_port_is_free(LOCAL, port)

        assert str(failure.value) == f"Port {port} on {LOCAL} is in use"
        assert failure.value.exit_code == PORT_IN_USE

    def test_of_two_that_take_a_port_at_once_one_is_told(self) -> None:
        port = a_closed_port()
        with taken_port(LOCAL, port) as one, taken_port(LOCAL, port) as another:
            listen(one, LOCAL, port)
            with pytest.raises(Failure) as failure:
                listen(another, LOCAL, port)

        assert failure.value.exit_code == PORT_IN_USE

    def test_a_free_port_is_free_afterwards(self) -> None:
        port = a_closed_port()

        check_port_is_free(LOCAL, port)
        check_port_is_free(LOCAL, port)

    @pytest.mark.parametrize("host", [NOT_OURS, "::not::an::address"])
    def test_an_address_of_another_machine_is_a_wrong_setting(self, host: str) -> None:
        with pytest.raises(Failure, match=r"^Wrong setting HOST: ") as failure:
            check_port_is_free(host, 5000)

        assert failure.value.exit_code == WRONG_SETTING

    def test_addresses_become_urls(self) -> None:
        assert url_of(LOCAL, 5000) == "http://127.0.0.1:5000"
        assert url_of("::1", 5000) == "http://[::1]:5000"

    def test_the_demo_needs_a_free_port(self, capsys: pytest.CaptureFixture[str]) -> None:
        with a_listener() as port:
            run = Run(capsys, "demo", "--port", str(port))

        assert run.exit_code == PORT_IN_USE
        assert run.error == f"Port {port} on {LOCAL} is in use"


class TestDatabase:
    def test_the_schema_is_made_once(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        first, second = Run(capsys, "db", "init"), Run(capsys, "db", "init")

        assert (first.exit_code, second.exit_code) == (0, 0)
        assert first.out.startswith("Created 41 tables and ")
        assert first.out.endswith(f" {database}\n")
        assert second.out == f"Nothing was missing in the database at {database}\n"

    def test_a_complete_one_is_usable(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        Run(capsys, "db", "init")
        run = Run(capsys, "db", "check")

        assert (run.exit_code, run.out) == (0, f"The database at {database} is usable\n")

    def test_what_is_missing_is_in_a_table(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        Run(capsys, "db", "init")
        engine = make_engine(f"sqlite:///{database}", 1)
        with engine.connect() as connection:
            connection.execute(text("DROP TABLE notifications"))
            connection.execute(text("DROP TRIGGER before_spot_pools_insert"))
            connection.commit()
        engine.dispose()
        run = Run(capsys, "db", "check")

        assert run.exit_code == FAILED
        assert run.error == f"The database at {database} cannot carry the server"
        assert "table missing" in run.out
        assert "notifications" in run.out
        assert "trigger missing" in run.out

    def test_an_empty_database_needs_its_schema_first(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        database.parent.mkdir()
        database.touch()
        run = Run(capsys, "db", "check")

        assert run.exit_code == FAILED
        assert run.error.startswith(f"The database at {database} is empty")
        assert "missing" not in run.out

    def test_looking_makes_no_database(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        run = Run(capsys, "db", "check")

        assert run.exit_code == FAILED
        assert run.error.startswith(f"There is no database at {database}")
        assert not database.parent.exists()

    @pytest.mark.parametrize("command", ["init", "check"])
    def test_a_file_that_is_none_is_told(
        self, capsys: pytest.CaptureFixture[str], database: Path, command: str
    ) -> None:
        database.parent.mkdir()
        database.write_text("these are notes, and long enough to be no empty database" * 10)
        run = Run(capsys, "db", command)

        assert run.exit_code == DATABASE_UNUSABLE
        assert run.error == f"Cannot reach the database at {database}: file is not a database"

    def test_a_folder_that_cannot_be_made_is_told(
        self, capsys: pytest.CaptureFixture[str], database: Path
    ) -> None:
        database.parent.write_text("a file where the folder should be")
        run = Run(capsys, "db", "init")

        assert run.exit_code == DATABASE_UNUSABLE
        assert run.error == f"Cannot reach the database at {database}: File exists"

    @pytest.mark.parametrize("command", ["init", "check"])
    def test_one_that_does_not_answer_is_told_without_its_password(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        port = a_closed_port()
        parts = {"HOST": LOCAL, "PORT": str(port), "USER": "root", "PASSWORD": "s3cret"}
        for part, value in parts.items():
            monkeypatch.setenv(f"DB_{part}", value)
        run = Run(capsys, "db", command)

        assert run.exit_code == DATABASE_UNUSABLE
        assert run.error.startswith(f"Cannot reach the database at {LOCAL}:{port} (user root): ")
        assert "refused" in run.error
        assert "s3cret" not in run.err + run.out

    @pytest.mark.parametrize(
        "url",
        ["postgresql://u:s3cret@h/d", "s3cret", "mysql://u:s3cret@h:port/d"],
        ids=["another kind", "no URL", "no port"],
    )
    def test_a_url_of_no_use_is_a_wrong_setting(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        run = Run(capsys, "db", "init")

        assert run.exit_code == WRONG_SETTING
        assert run.error.startswith("Wrong setting DATABASE_URL: ")
        assert "s3cret" not in run.err + run.out


class TestDatabaseServer:
    def test_the_schema_is_made_and_found_usable(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        mariadb_database: str,
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", mariadb_database)
        made, looked_at = Run(capsys, "db", "init"), Run(capsys, "db", "check")

        assert (made.exit_code, looked_at.exit_code) == (0, 0)
        assert made.out.startswith("Created 41 tables and ")
        assert "is usable" in looked_at.out

    def test_a_stranger_is_refused(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        require_mariadb()
        monkeypatch.setenv(
            "DATABASE_URL", f"mysql://nobody-here:s3cret@{MARIADB_HOST}:{MARIADB_PORT}/x"
        )
        run = Run(capsys, "db", "check")

        assert run.exit_code == DATABASE_UNUSABLE
        assert "(user nobody-here): Access denied" in run.error
        assert "s3cret" not in run.err + run.out


class TestPreflight:
    """What `serve` looks at before it serves."""

    def test_an_embedded_database_gets_its_schema(self, database: Path) -> None:
        assert inspected(f"sqlite:///{database}") == ()
        assert inspected(f"sqlite:///{database}") == ()

    def test_one_in_memory_serves_nobody(self) -> None:
        with pytest.raises(Failure, match="DATABASE_URL") as failure:
            inspected("sqlite://")

        assert failure.value.exit_code == WRONG_SETTING

    def test_one_that_does_not_answer_keeps_nobody_from_serving(self) -> None:
        port = a_closed_port()
        (remark,) = inspected(f"mysql://root:s3cret@{LOCAL}:{port}/x")

        assert remark.startswith(f"Cannot reach the database at {LOCAL}:{port} (user root): ")
        assert "s3cret" not in remark

    def test_an_empty_one_is_not_filled_unasked(self, mariadb_database: str) -> None:
        with pytest.raises(Failure, match="is empty: run `spot-optimizer db init`") as failure:
            inspected(mariadb_database)

        assert failure.value.exit_code == DATABASE_UNUSABLE

    def test_one_that_is_not_ours_is_left_as_it_is(self, mariadb_database: str) -> None:
        engine = make_engine(mariadb_database, 1)
        with engine.connect() as connection:
            connection.execute(text("CREATE TABLE notes (id INT)"))
            remarks = inspected(mariadb_database)
            tables = connection.scalars(text("SHOW TABLES")).all()
        engine.dispose()

        assert remarks[0] == "the schema is incomplete: see `spot-optimizer db check`"
        assert tables == ["notes"]

    def test_the_token_everybody_knows_is_told(self, database: Path) -> None:
        url = f"sqlite:///{database}"
        inspected(url)
        engine = make_engine(url, 1)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "INSERT INTO clients (id, name, email, client_token, is_active)"
                    " VALUES ('c', 'Demo Client', 'demo@example.com', 'demo-token-12345', 1)"
                )
            )
            connection.commit()
        engine.dispose()

        (remark,) = inspected(url)
        assert "demo-token-12345" in remark


class TestAdminToken:
    def test_it_is_alone_on_standard_output(
        self, capsys: pytest.CaptureFixture[str], data_dir: Path
    ) -> None:
        token, _ = AdminTokenFile(data_dir).ensure()
        run = Run(capsys, "admin", "token", "show")

        assert (run.exit_code, run.out, run.err) == (0, f"{token}\n", "")

    def test_looking_makes_none(self, capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
        run = Run(capsys, "admin", "token", "show")

        assert (run.exit_code, run.out) == (FAILED, "")
        assert "no token yet" in run.error
        assert "made at the first start" in run.error
        assert not data_dir.exists()

    def test_a_new_one_replaces_it(
        self, capsys: pytest.CaptureFixture[str], data_dir: Path
    ) -> None:
        former, _ = AdminTokenFile(data_dir).ensure()
        rotated, shown = (
            Run(capsys, "admin", "token", "rotate"),
            Run(capsys, "admin", "token", "show"),
        )

        assert (rotated.exit_code, shown.out) == (0, rotated.out)
        assert rotated.out != f"{former}\n"

    def test_one_that_is_set_is_shown_as_such(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ADMIN_API_TOKEN", "s3cret")
        run = Run(capsys, "admin", "token", "show")

        assert (run.exit_code, run.out) == (0, "s3cret\n")
        assert "ADMIN_API_TOKEN" in run.error

    def test_one_that_is_set_cannot_be_replaced(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        data_dir: Path,
    ) -> None:
        monkeypatch.setenv("ADMIN_API_TOKEN", "s3cret")
        run = Run(capsys, "admin", "token", "rotate")

        assert (run.exit_code, run.out) == (WRONG_SETTING, "")
        assert run.error.startswith("ADMIN_API_TOKEN is set")
        assert not data_dir.exists()

    @pytest.mark.parametrize("command", ["show", "rotate"])
    def test_a_data_folder_that_is_none_is_told(
        self, capsys: pytest.CaptureFixture[str], data_dir: Path, command: str
    ) -> None:
        data_dir.write_text("a file")
        run = Run(capsys, "admin", "token", command)

        assert run.exit_code == WRONG_SETTING
        assert run.error.startswith("Wrong setting DATA_DIR: ")


class Stub(BaseHTTPRequestHandler):
    """Knows no operator and is otherwise well."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(401)

    def _answer(self, status: int) -> None:
        body = json.dumps({}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def stub_url() -> Iterator[str]:
    with HTTPServer((LOCAL, 0), Stub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://{LOCAL}:{server.server_port}"
        server.shutdown()
        thread.join()


class TestSimulate:
    def test_a_server_that_does_not_answer_is_told(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = f"http://{LOCAL}:{a_closed_port()}"
        run = Run(capsys, "simulate", "--url", url, "--token", "s3cret")

        assert run.exit_code == FAILED
        assert run.error.startswith(f"{url} does not answer: ")

    @pytest.mark.parametrize("url", ["nonsense", "ftp://server.test"])
    def test_a_url_of_no_use_is_a_wrong_option(
        self, capsys: pytest.CaptureFixture[str], url: str
    ) -> None:
        run = Run(capsys, "simulate", "--url", url, "--token", "s3cret")

        assert run.exit_code == WRONG_SETTING
        assert run.error.startswith(f"--url {url}: ")

    def test_without_any_token_there_is_no_fleet(self, capsys: pytest.CaptureFixture[str]) -> None:
        run = Run(capsys, "simulate")

        assert run.exit_code == WRONG_SETTING
        assert run.error.startswith("--token or --admin-token is needed: ")

    @pytest.mark.parametrize("source", ["option", "variable", "file"])
    def test_a_refused_operator_gets_no_fleet(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        data_dir: Path,
        stub_url: str,
        source: str,
    ) -> None:
        options: list[str] = []
        if source == "option":
            options = ["--admin-token", "s3cret"]
        elif source == "variable":
            monkeypatch.setenv("ADMIN_API_TOKEN", "s3cret")
        else:
            AdminTokenFile(data_dir).ensure()
        run = Run(capsys, "simulate", "--url", stub_url, *options)

        assert run.exit_code == FAILED
        assert run.error.startswith("The fleet was not enrolled: POST ")
        assert run.error.endswith(" was answered with 401")

    @pytest.mark.parametrize("option", ["--prices", "--interruptions"])
    def test_an_unreadable_trace_is_told(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, stub_url: str, option: str
    ) -> None:
        trace = tmp_path / "trace.csv"
        run = Run(capsys, "simulate", "--url", stub_url, "--token", "s3cret", option, str(trace))

        assert run.exit_code == WRONG_SETTING
        assert run.error == f"{trace}: No such file or directory"
