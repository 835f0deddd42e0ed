SELECT order_no, total FROM csv_orders WHERE placed_at >= %(since)s ORDER BY order_no
