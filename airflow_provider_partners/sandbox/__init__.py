"""The APIs of Yofi, Shopify and Yotpo served on this machine, for tests, demos and Dags under development.

Written from what the partners publish and from what was observed of them, never from this package's own clients: the
two must be able to disagree.
"""
