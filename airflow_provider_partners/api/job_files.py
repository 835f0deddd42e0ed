"""A job's file is downloaded again if it arrives damaged, or if its address is refused.

The HTTP library sees a body that is shorter than its length. A gateway that cuts a body may send a length that fits.
Then only the content shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_partners.api.http.call import REFUSAL_PAUSES
from airflow_provider_partners.exceptions import ExpiredError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock

__all__ = ["MAX_DOWNLOADS", "DamagedFileError", "download_from", "read_undamaged"]

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


def download_from(url: str, download: Callable[[str], object], *, renew: Callable[[], str], clock: Clock) -> None:
    """Download a file from its address; from a new one if the address is refused.

    The address may have expired since the job ended. And one refusal proves nothing, as for credentials: a storage that
    restarts refuses a right address briefly.

    :param url: the known address
    :param download: downloads the file from an address
    :param renew: returns the address that the partner gives now
    :raises ExpiredError: if each address is refused, or there is none any more
    """
    for pause in REFUSAL_PAUSES:
        try:
            download(url)
        except ExpiredError as error:
            log.info("%s; a new address is requested", error.message)
        else:
            return
        clock.sleep(pause)
        url = renew()
    download(url)
