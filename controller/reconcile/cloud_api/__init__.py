"""A tenant's number at Meta: its ids and token, the instance made of them, its business profile."""
