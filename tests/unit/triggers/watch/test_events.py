"""The windows of watch events, by account."""

from __future__ import annotations

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.triggers.watch.events import windows_from_events


def event(account, since, until):
    return {"account": account, "since": f"2026-05-01T{since}:00Z", "until": f"2026-05-01T{until}:00Z", "count": 1}


def test_an_account_s_window_holds_all_its_events():
    windows = windows_from_events([
        event("a", "10:00", "10:05"),
        event("b", "08:00", "08:01"),
        event("a", "09:30", "10:01"),
    ])
    assert {account: window.to_dict() for account, window in windows.items()} == {
        "a": {"since": "2026-05-01T09:30:00Z", "until": "2026-05-01T10:05:00Z"},
        "b": {"since": "2026-05-01T08:00:00Z", "until": "2026-05-01T08:01:00Z"},
    }


def test_no_events_give_no_windows():
    assert windows_from_events([]) == {}


@pytest.mark.parametrize("payload", [None, "text", {"account": "a"}, {"since": "2026-05-01", "until": "2026-05-02"}])
def test_an_event_without_account_and_window_is_refused(payload):
    with pytest.raises(ConfigurationError, match="has no account and window"):
        windows_from_events([event("a", "10:00", "10:05"), payload])
