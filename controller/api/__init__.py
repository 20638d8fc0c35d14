"""What a user writes and reads: the three kinds, their conditions and annotations. Imports no other part."""
