"""A job's file that arrives damaged is downloaded again: a gateway may have cut it on its way.

The HTTP library sees a body that is shorter than its length. A gateway that cuts a body may send a length that fits.
Then only the content shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_partners.exceptions import UnexpectedResponseError

__all__ = ["MAX_DOWNLOADS", "DamagedFileError", "read_undamaged"]

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_DOWNLOADS = 3
"""Downloads of one file, after which it counts as damaged where it is stored."""


class DamagedFileError(UnexpectedResponseError):
    """A file lacks something that it must have. Another download may be whole."""


def read_undamaged(read: Callable[[], T]) -> T:
    """Return what a function reads of a file; call it again while the file is damaged, a few times.

    :param read: downloads the file if it is not there, and removes a damaged one
    :raises DamagedFileError: if the file is damaged each time
    """
    for _ in range(MAX_DOWNLOADS - 1):
        try:
            return read()
        except DamagedFileError as error:
            log.info("%s; it is downloaded again", error.message)
    return read()
