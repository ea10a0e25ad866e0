"""From a question to precedents: by signal, by words, by meaning, without the question's own patient."""
