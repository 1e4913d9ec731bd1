"""Mutation testing: a small fault in each condition, update and branch; does a test see it?"""
