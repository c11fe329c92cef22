"""Local cache of an account's task history.

Tasks that have ended do not change, so a listing of many thousand tasks is fetched once. What is
kept are the columns of a frame, in one file for each account and service.
"""
