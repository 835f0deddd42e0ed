"""The wire: five clients over one transport. Knows the partners' APIs; must not know Airflow, files or mapping."""
