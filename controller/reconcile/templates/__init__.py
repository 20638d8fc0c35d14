"""A tenant's message templates at Meta: sent to review, followed, edited, removed."""
