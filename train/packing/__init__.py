"""Documents and chats as tokens, packed into blocks of equal length."""
