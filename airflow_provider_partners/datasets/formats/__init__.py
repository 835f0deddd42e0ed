"""The formats of part files: gzipped JSON lines, and Parquet."""
