"""What several test folders share: definitions that owe nothing to the package, and readers of test data."""
