"""Self-contained HTML pages: one to review labels in a browser, one that reports on a filter run.

A page carries its style, script and data inside and asks no address for anything; its content security policy
forbids it to.
"""
