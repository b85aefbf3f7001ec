"""The one exception whose text is meant for the person at the screen."""


class UserError(Exception):
    """Something the user can mend; its text is one clear sentence that says what is wrong and what to do."""
