"""Waiting without a worker's slot: triggers that ask a partner now and then, in Airflow's triggerer."""
