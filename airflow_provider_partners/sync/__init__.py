"""The mission: join, map, plan, write. Imports no Airflow and knows no HTTP."""
