"""Tasks: extract a list to a dataset, build orders, write them to Yotpo. Thin, one module per partner."""
