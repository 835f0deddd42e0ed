"""Serves the APIs of Yofi, Shopify, Yotpo and Voucherify on this machine, for tests, demos and Dags under development.

It is written from the partners' documentation and from recorded responses, never from this package's own clients:
client and sandbox must be able to disagree.
"""
