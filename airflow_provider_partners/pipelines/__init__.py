"""The product's Dags as factories, and the steps that they are made of."""

from __future__ import annotations
