"""Mails with the files of exports: sent, followed up, and sent again."""
