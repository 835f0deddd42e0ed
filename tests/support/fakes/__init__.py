"""Stand-ins for the partners' APIs, and for parts of the package, which count the calls that they get."""
