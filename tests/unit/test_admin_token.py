import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from spot_optimizer.adapters.admin_token import AdminTokenFile, CurrentAdminToken

ENSURE = """
import sys
from pathlib import Path
from spot_optimizer.adapters.admin_token import AdminTokenFile
file = AdminTokenFile(Path(sys.argv[1]))
sys.stdin.read()
print(*file.ensure())
"""


@pytest.fixture
def file(tmp_path: Path) -> AdminTokenFile:
    return AdminTokenFile(tmp_path / "data")


def sha256_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


class TestFile:
    def test_there_is_none_at_first(self, file: AdminTokenFile) -> None:
        assert file.read() is None

    def test_it_is_made_once(self, file: AdminTokenFile) -> None:
        token, is_new = file.ensure()

        assert is_new
        assert file.ensure() == (token, False)
        assert file.read() == token
        assert len(token) >= 43

    def test_only_its_owner_may_read_it(self, file: AdminTokenFile) -> None:
        before = os.umask(0)
        try:
            file.ensure()
            made = file.path.stat().st_mode & 0o777
            file.rotate()
            rotated = file.path.stat().st_mode & 0o777
        finally:
            os.umask(before)

        assert (made, rotated) == (0o600, 0o600)

    def test_a_new_one_replaces_it(self, file: AdminTokenFile) -> None:
        former, _ = file.ensure()
        token = file.rotate()

        assert token != former
        assert file.ensure() == (token, False)

    def test_it_can_be_replaced_before_there_is_one(self, file: AdminTokenFile) -> None:
        assert file.rotate() == file.read()

    def test_nothing_else_is_left_in_the_folder(self, file: AdminTokenFile) -> None:
        file.ensure()
        file.ensure()
        file.rotate()

        assert list(file.directory.iterdir()) == [file.path]

    def test_of_eight_processes_at_once_one_makes_it(self, file: AdminTokenFile) -> None:
        processes = [
            subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-c", ENSURE, str(file.directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(8)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None
        told = [process.communicate(timeout=60)[0].split() for process in processes]

        assert sorted(is_new for _, is_new in told) == ["False"] * 7 + ["True"]
        assert {token for token, _ in told} == {file.read()}


class TestCurrent:
    def test_a_set_token_is_the_one(self, file: AdminTokenFile) -> None:
        file.ensure()

        assert CurrentAdminToken("set", file)() == sha256_of("set")

    def test_nothing_opens_while_there_is_none(self, file: AdminTokenFile) -> None:
        assert CurrentAdminToken(None, file)() == ""

    def test_it_is_found_when_it_is_made_later(self, file: AdminTokenFile) -> None:
        current = CurrentAdminToken(None, file)
        current()
        token, _ = file.ensure()

        assert current() == sha256_of(token)

    def test_a_rotated_one_is_read_again(self, file: AdminTokenFile) -> None:
        file.ensure()
        current = CurrentAdminToken(None, file)
        former = current()
        token = file.rotate()

        assert current() == sha256_of(token)
        assert current() != former
