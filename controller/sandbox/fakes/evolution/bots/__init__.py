"""The chat bots an instance can have: seven kinds, one way of handling them.

`kinds` is the table of what differs, `store` the rows, `routes` and `credentials` the endpoints, `answering`
what a bot does with an inbound message.
"""
