"""MnnLlmChat on a virtual phone: its package and activities for Android, and its process."""
