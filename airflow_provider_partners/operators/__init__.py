"""Operators: one module per partner, and the base classes they share."""
