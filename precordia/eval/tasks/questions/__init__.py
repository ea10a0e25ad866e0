"""Questions and searches as people type them."""
