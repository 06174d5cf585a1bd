"""Chats: a notification as the body that each service takes."""
