"""Local cache of an account's task history.

Finished tasks do not change, so a listing of thousands of tasks is fetched only once. The cache has
one file per account and service, with the columns of a frame.
"""
