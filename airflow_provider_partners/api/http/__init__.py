"""Sending requests: connections, retries, rate limits, authentication, errors, redaction."""

from __future__ import annotations
