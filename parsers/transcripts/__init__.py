"""What an administrator pastes: one file for each program."""
