"""What is charged, paid and limited, as routes: one router a file; functions/manage_billing serves them all."""
