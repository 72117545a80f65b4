"""Each agent as a server of the Model Context Protocol, over streamable HTTP and without sessions."""
