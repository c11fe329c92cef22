"""The local history store: what was once read of an account's tasks, and how it is kept up to date.

Tasks that have ended do not change, so a listing of many thousand tasks is fetched once. What is
kept are the columns of a frame, in one file for each account and service.
"""
