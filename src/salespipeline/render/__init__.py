"""Drawing documents: PDF, labels and formats by language, bodies of mails."""
