"""What an account holds, what it must hold, and what it could do."""
