"""`snapshots doctor`: all that must be right in an account before its first export.

Every call reads; none starts a job or changes anything. A file for each area: its `look_at_...`
call and its `judge_...` say what the answers mean; `fixes` says how what is wrong is set right.
"""
