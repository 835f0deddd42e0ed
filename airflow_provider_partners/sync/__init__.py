"""From Shopify orders and Yofi records to Yotpo orders: join, map, suppress, and write. No Airflow."""
