"""Where records rest between tasks: part files, a manifest, progress to resume from, and reading back."""
