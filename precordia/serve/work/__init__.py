"""What is asked of a knowledge base, one function a question: run in a process of its own, answered in bytes."""
