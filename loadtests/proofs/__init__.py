"""What the safeguards promise, shown on real processes: one command each, with marks that are met or missed."""
