"""Command-line flags by topic, and the way from them to a configuration."""
