"""Sales opportunities, from the first enquiry to the first order."""
