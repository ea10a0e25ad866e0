"""Results as something to read: one HTML page, or Markdown with figures beside it, from documents alone."""
