"""Hooks: an Airflow connection becomes the API client of a partner."""
