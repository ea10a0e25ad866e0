"""Who may ask, how often, from where and how much."""
