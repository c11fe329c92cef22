"""Local cache of an account's task history.

Finished tasks rarely change, so a listing of thousands of tasks is fetched only once, and then read
again page by page, one with each call. The cache has one file per account and service, with the
columns of a frame.
"""
