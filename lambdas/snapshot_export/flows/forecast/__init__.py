"""When what waits will run and end, from the table as it is."""
