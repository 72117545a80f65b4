"""The agents of a tenant as models of OpenAI's API, so that any client of it can use them."""
