"""A knowledge base over HTTP: a REST service, and a viewer in one page."""
