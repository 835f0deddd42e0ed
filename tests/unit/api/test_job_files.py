"""A damaged file is read again, a few times; anything else is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_partners.api.job_files import MAX_DOWNLOADS, DamagedFileError, read_undamaged
from airflow_provider_partners.exceptions import TransientError, UnexpectedResponseError


def reader(*answers: Exception | str) -> tuple[Callable[[], str], list[Exception | str]]:
    left = list(answers)

    def read() -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return read, left


def test_a_whole_file_is_read_once() -> None:
    read, left = reader("first", "second")
    assert read_undamaged(read) == "first"
    assert left == ["second"]


def test_a_damaged_file_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    damage = DamagedFileError("the file has 1 of 3 lines", remedy="Try again.")
    assert read_undamaged(reader(*[damage] * (MAX_DOWNLOADS - 1), "whole")[0]) == "whole"
    assert caplog.messages == ["the file has 1 of 3 lines; it is downloaded again"] * (MAX_DOWNLOADS - 1)


def test_a_file_that_stays_damaged_is_an_error() -> None:
    read, left = reader(*[DamagedFileError("no header")] * MAX_DOWNLOADS, "never")
    with pytest.raises(UnexpectedResponseError, match="no header"):
        read_undamaged(read)
    assert left == ["never"]


@pytest.mark.parametrize("error", [UnexpectedResponseError("a strange line"), TransientError("reset")])
def test_another_error_ends_the_read(error: Exception) -> None:
    read, left = reader(error, "never")
    with pytest.raises(type(error)):
        read_undamaged(read)
    assert left == ["never"]
