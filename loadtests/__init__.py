"""Load tests: what a request through the gateway costs, beside other proxies under the same load.

Read `README.md` here first. Speed lives here and never in `tests/`, which make no timing assertion.
"""
