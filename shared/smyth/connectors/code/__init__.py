"""Running the JavaScript of agents: the port, its engine in a child process, and what runs inside that child."""
