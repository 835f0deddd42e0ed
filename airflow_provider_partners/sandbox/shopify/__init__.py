"""What the sandbox's Partner and Admin APIs share."""

from __future__ import annotations
