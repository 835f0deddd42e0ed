"""Stand-ins for the partners' APIs, and for parts of the package, that count what is asked of them."""
