"""Waiting for what partners have: sensors that look now and then, on a worker or in Airflow's triggerer."""
