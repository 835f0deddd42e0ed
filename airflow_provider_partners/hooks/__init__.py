"""Connections become API clients: one hook per partner, thin."""
