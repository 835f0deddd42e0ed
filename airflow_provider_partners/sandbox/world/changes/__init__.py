"""Changes that a test or a demo makes to the sandbox's shops."""

from __future__ import annotations
