"""What a process measures about itself, kept in memory and flushed in sums."""
