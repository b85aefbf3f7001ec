"""The dialogs: a new picture, questions and messages, About."""
