"""Recordings with known truth, composed at run time from clips of single people: calls of several apps, rooms, stills.

Nothing of the clips is kept: recordings and their truth go to a folder of the caller's.
"""
