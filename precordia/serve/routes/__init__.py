"""The service's addresses, a file a subject; each names the work that answers it and the role it needs."""
