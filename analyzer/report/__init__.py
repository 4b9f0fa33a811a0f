"""What people and programs read: words, rows, the terminal. Nothing here decides anything."""
